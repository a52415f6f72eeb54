"""Tokens that prove which pod is calling: issued here in standalone mode, by Kubernetes on a cluster.

`claims` says what is in them, `issuer` makes them, `reviewer` checks those, `guard` stands before any reviewer and
bounds what bad tokens can cost.
"""
