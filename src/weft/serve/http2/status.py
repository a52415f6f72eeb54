"""Status codes of gRPC (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md)."""

from typing import Final

OK: Final = 0
INVALID_ARGUMENT: Final = 3
PERMISSION_DENIED: Final = 7
RESOURCE_EXHAUSTED: Final = 8
UNIMPLEMENTED: Final = 12
INTERNAL: Final = 13
UNAVAILABLE: Final = 14
UNAUTHENTICATED: Final = 16
