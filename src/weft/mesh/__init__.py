"""Joins the fragments of all dialects: precedence, visibility, scoping, and the view of each proxy, as graph nodes."""
