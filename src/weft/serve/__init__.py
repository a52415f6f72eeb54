"""What the controller serves: configuration and keys to proxies, and its API to people and nodes.

`ads` is the discovery service, `ca` the certificate authority, `tokens` says who calls, `transport` is gRPC over TLS,
`callers` holds what these share.
"""
