"""The controller's API on a unix socket of mode 0600: objects and status for people, orders for the node process."""
