"""Plans of packet redirection as data, and their renderings for the kernel's tools; pure."""
