"""Weft: one service mesh that reads the APIs of Istio, Gateway API, Linkerd and Cilium."""
