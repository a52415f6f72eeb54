"""The commands below `weft redirect`."""
