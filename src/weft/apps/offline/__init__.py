"""`weft render` and `weft validate`: what files mean, without a mesh that runs, without root, on every system."""
