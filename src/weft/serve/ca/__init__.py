"""The certificate authority at work: its files, the keys and certificates of workloads, and those of our own server.

`store` keeps it on disk, `live` holds the one in force, `secrets` gives sidecars without an agent their keys over SDS,
`serving` keeps the control plane's own certificate fresh. Nodes that make their own keys send a CSR instead: it is
signed by `identity.issue.sign_workload_key`.
"""
