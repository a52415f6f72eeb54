"""gRPC over TLS: the one way in to the control plane. There is none in plaintext."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

import grpc
import grpc.aio

from weft.serve.callers import RefusedError

_CODES: Final = {
    "unauthenticated": grpc.StatusCode.UNAUTHENTICATED,
    "forbidden": grpc.StatusCode.PERMISSION_DENIED,
    "overloaded": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "unavailable": grpc.StatusCode.UNAVAILABLE,
    "invalid": grpc.StatusCode.INVALID_ARGUMENT,
}
_BEARER: Final = "bearer "

_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # two servers on one port would share its connections without a word
    ("grpc.max_receive_message_length", 32 * 1024 * 1024),  # names and versions of 200,000 resources
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.max_concurrent_streams", 16),  # of one connection
    # By default a storm of 3,000 streams loses some.
    ("grpc.server.max_pending_requests", 10_000),
    ("grpc.server.max_pending_requests_hard_limit", 10_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # By default a client that pings more often than every 5 minutes is thrown out; Envoy and ztunnel ping every 30 s.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)


CONNECTION_AGE: Final = 600.0
"""Seconds after which a connection takes no new streams: the next one shakes hands with the certificate of then, and
may reach another replica. Streams that are open go on."""

_STREAM_AGE: Final = 2_400.0
"""Seconds that open streams are left on an old connection: longer than any may live. What they hold goes with it."""


class SecureServer:
    """A gRPC server (grpc.aio) on TLS ports. Its handlers pass messages through as bytes."""

    def __init__(self, handlers: Sequence[grpc.GenericRpcHandler], connection_age: float = CONNECTION_AGE) -> None:
        ages = (
            ("grpc.max_connection_age_ms", int(connection_age * 1_000)),
            ("grpc.max_connection_age_grace_ms", int(_STREAM_AGE * 1_000)),
        )
        self._server = grpc.aio.server(options=(*_OPTIONS, *ages))
        self._server.add_generic_rpc_handlers(tuple(handlers))

    def listen(self, address: str, credentials: grpc.ServerCredentials) -> int:
        """Listens on `<IP address>:<port>` (port 0: any free one); returns the port. OSError where that fails.

        The socket is made before this returns, by the calling thread: in the network namespace that it is in now.
        """
        try:
            port: int = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise OSError(f"can't listen on {address}: {error}") from error
        return port

    async def start(self) -> None:
        """Begins to serve. Do so when there is something to serve: a proxy takes what it gets for the truth."""
        await self._server.start()

    async def stop(self, grace: float) -> None:
        """Takes no more calls, and ends those that are left after `grace` seconds."""
        await self._server.stop(grace)


def address_of(context: Any) -> str:
    """Returns the IP address of the caller."""
    kind, _, rest = unquote(context.peer()).partition(":")
    return rest.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else rest


def bearer_token(context: Any) -> str | None:
    """Returns the token in the `authorization` header, with or without `Bearer ` before it; None unless there is one.

    Envoy's credential injector sends the bare token.
    """
    values = [value for key, value in context.invocation_metadata() if key == "authorization"]
    if len(values) != 1 or not isinstance(values[0], str):
        return None
    value = values[0].strip()
    return value[len(_BEARER) :].strip() if value.lower().startswith(_BEARER) else value


async def abort(context: Any, refusal: RefusedError) -> None:
    """Ends a call with the status that a refusal stands for; never returns."""
    await context.abort(_CODES[refusal.reason], str(refusal))
