"""The incremental engine: inputs, values derived from them, and what must be computed again after a change.

It knows nothing of meshes. `core` holds the nodes and the rules of invalidation, `tables` the keyed inputs and derived
values, `collections` mapped tables and indexes, `watch` tells which watched values really changed.
"""
