"""The kubelet of a standalone mesh: pod networks, redirects, applications and Envoys as processes of this machine.

From the outside in:
- `agent` runs a node, `teardown` ends a mesh, `inspection` answers the command line; `settings` says where and how
- `kubelet` holds all pods, `pod` one of them: its `sandbox` (files, network, rules) and its `crew` (processes)
- networks: `hub`, `podnet`, `addresses`, `links`, `namespaces`; names: `names`, `hosts`
- isolation: `choice`, `isolation_probes`, `limits`; `means` is what differs by it, behind `networks` and `chain`, with
  `marks` and `users`; without root `holder`, and `forwarding` (`foreign_sockets`, `listening`) from outside to inside
- processes: `specs` (what to run), `unit` and `lifecycle` (keep it running), `launch` and `spawn` (start it),
  `processes` and `procfs` (find it again), `remains` (end what nobody keeps), `execute`, `logs`
- probes: `probes` (when), `checks` (how), `grpc_health`
- Envoy: `envoy`, `credentials` and `keeper`, `admin` and `draining`
- the controller: `controller` (what is asked of it), `http_controller`, on `http` and `unix_http`; `reports`
"""
