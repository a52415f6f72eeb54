"""Checks across objects, with stable codes: Istio's (`IST....`) where Istio has the same finding."""
