"""Dialects: each compiles the objects of one API family to fragments of the neutral model, and says what it could not.

All are pure and unaware of each other. A dialect is a mapping from kind to a function `(object, lookup) -> Compiled`.
"""
