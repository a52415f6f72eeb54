"""Listeners: where connections come in, and which filters look into them."""
