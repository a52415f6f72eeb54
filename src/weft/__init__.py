"""Weft: one service mesh that reads the APIs of Istio, Gateway API, Linkerd and Cilium."""

__version__ = "0.1.0"
