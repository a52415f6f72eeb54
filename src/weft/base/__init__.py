"""Foundations that every other package may use; this one imports nothing of Weft."""
