"""`weft demo`: the bookshop as a mesh of its own, real traffic, and what became of it."""
