"""Configuration of Envoy, built from the joined values of the model (`ir.view`) by pure functions."""
