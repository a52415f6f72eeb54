"""Typed inputs of the mesh: one module per API kind, with the provenance of every object."""
