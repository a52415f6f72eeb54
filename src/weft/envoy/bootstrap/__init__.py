"""The configuration that a proxy starts with: who it is, how it finds the control plane, its own listeners."""
