"""The aggregated discovery service: what proxies hold, and how they are told of changes.

`views` says what a proxy shall hold, `subscription` and `stream` are the protocol as a state machine without I/O,
`state_stream` is the same for state of the world. `session` gives one stream its reader and writer, `server` lets
proxies in, `registry` tells how they are.
"""
