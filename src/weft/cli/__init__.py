"""The command line of a running mesh, in the ways of kubectl and istioctl."""
