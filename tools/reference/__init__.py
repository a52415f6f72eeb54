"""Writes the reference pages of the documentation from the code that they are about.

`python -m tools.reference` writes them; `./dev docs` does so first. A test compares them with the repository's.
"""
