"""Istio's APIs: `networking` says where requests go and how, `security` who may send them."""
