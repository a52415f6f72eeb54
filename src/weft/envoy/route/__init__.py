"""Routes: what a request must look like, and what then happens to it."""
