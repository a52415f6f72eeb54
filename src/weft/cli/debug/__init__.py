"""The commands of `weft internal-debug`."""
