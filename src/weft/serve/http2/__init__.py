"""The server side of HTTP/2 and gRPC, as far as discovery needs it: cheap for thousands of long streams.

`frames`, `headers` and `windows` are parts of the protocol, `connection` puts them together as a state machine without
I/O, and `call` is one request in it. `protocol` gives a connection its socket, `listener` lets connections in.
Source: RFC 9113 (HTTP/2), RFC 7541 (HPACK, by the library `hpack`), and "gRPC over HTTP2"
(https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). It passes h2spec (tests/e2e/xds).
"""
