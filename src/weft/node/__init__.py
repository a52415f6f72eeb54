"""The kubelet of a standalone mesh: pod networks, redirects, applications and Envoys as processes of this machine."""
