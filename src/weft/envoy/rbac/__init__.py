"""Authorization as Envoy's RBAC filters, for HTTP by way of routes and for bytes as network filters."""
