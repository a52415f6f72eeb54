"""One check of a container: HTTP, TCP, gRPC or a command, made from inside of its pod.

A check is addressed to the pod's own address and comes from there, so it leaves and arrives by loopback, where the
redirection of a sidecar lets the application's own traffic pass: it reaches the application itself, whatever mTLS the
mesh asks for. (Istio gets there by rewriting probes to its agent.)
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from weft.base.durations import Milliseconds
from weft.base.families import host_port
from weft.model.local import Action
from weft.node.grpc_health import HealthReader, request
from weft.node.http import Call, HttpError, exchange
from weft.node.namespaces import NamespaceThread

RunCommand = Callable[[tuple[str, ...]], Awaitable[int]]
"""Runs a command inside of the container and returns its exit status; a cancelled one is ended."""


class Checker(Protocol):
    """Checks one container."""

    async def check(self, action: Action, timeout: Milliseconds) -> str | None:  # noqa: ASYNC109
        """None if the container passes, else what is wrong with it."""


class PodChecker:
    """Checks a container in its pod's network namespace (None: ours) at the pod's address."""

    def __init__(
        self, threads: NamespaceThread, namespace: Path | None, address: str, run_command: RunCommand | None = None
    ) -> None:
        self._threads = threads
        self._namespace = namespace
        self._address = address
        self._run_command = run_command

    async def check(self, action: Action, timeout: Milliseconds) -> str | None:  # noqa: ASYNC109
        """None if the container passes, else what is wrong with it."""
        try:
            async with asyncio.timeout(timeout / 1_000):
                return await self._check(action)
        except TimeoutError:
            return f"no answer within {timeout / 1_000:g} s"
        except (OSError, HttpError, ValueError) as error:
            return str(error)

    async def _check(self, action: Action) -> str | None:
        if action.command is not None:
            return await self._command(action.command)
        host = action.host or self._address
        connection = await self._threads.connect(self._namespace, host, action.port)
        if action.http_path is not None:
            return await _http(connection, host, action)
        if action.grpc_service is not None:
            return await _grpc(connection, host, action)
        connection.close()
        return None

    async def _command(self, command: tuple[str, ...]) -> str | None:
        if self._run_command is None:
            return "no commands can be run here"
        status = await self._run_command(command)
        return f"{command[0]} ended with status {status}" if status else None


async def _http(connection: socket.socket, host: str, action: Action) -> str | None:
    """Any status from 200 to 399 is a success
    (https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/);
    redirects are not followed, certificates not verified."""
    tls = _unverified() if action.http_scheme == "HTTPS" else None
    reader, writer = await asyncio.open_connection(sock=connection, ssl=tls, server_hostname=host if tls else None)
    call = Call(
        target=quote(action.http_path or "/", safe="/?&=%:+,;@!$'()*~-._"),
        host=host_port(host, action.port),
        headers=(("user-agent", "kube-probe/weft"), *action.http_headers),
        head_only=True,
    )
    answer = await exchange(reader, writer, call)
    return None if 200 <= answer.status < 400 else f"status {answer.status}"


async def _grpc(connection: socket.socket, host: str, action: Action) -> str | None:
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        writer.write(request(host_port(host, action.port), action.grpc_service or ""))
        health = HealthReader()
        while health.verdict is None:
            health.receive(await reader.read(4_096))
    finally:
        writer.transport.abort()
    return None if health.verdict else "the service is not SERVING"


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
