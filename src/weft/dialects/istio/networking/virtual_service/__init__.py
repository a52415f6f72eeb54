"""VirtualService: one table of routes per level and per place it is attached to (IR R3)."""
