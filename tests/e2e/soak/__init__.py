"""A mesh of real Envoys under constant load while everything about it changes at random: no request may fail."""
