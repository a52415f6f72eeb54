"""A running mesh as tests use it: started by `weft up` in a network of its own, asked, disturbed, and taken down."""
