"""The small cluster of standalone mode: what an API server and its controllers do, for one machine."""
