"""Requests, replies, and the hops that a visit took; values only."""

import json
import re
from email.message import Message
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

# What a caller sends on, so that one visit is one trace and every service knows for whom it works.
FORWARDED: Final = (
    *("x-request-id", "traceparent", "tracestate", "b3", "end-user"),
    *("x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"),
)
_USER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_IDENTITY: Final = re.compile(r"(?:^|[;,])URI=([^;,\"]+)")

Json = dict[str, Any]


class Hop(NamedTuple):
    """One service that took part in an answer, and the identity its sidecar saw on the caller (empty: none)."""

    service: str
    version: str
    caller: str


class Request(NamedTuple):
    """A request as an application sees it: the parts of its path, its user, and the headers to send on."""

    segments: tuple[str, ...]
    user: str
    forward: dict[str, str]
    hop: Hop


class Reply(NamedTuple):
    """What an application answers."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)


def json_reply(body: Json, hops: tuple[Hop, ...] = (), *, status: int = 200) -> Reply:
    """A reply with `body` as JSON, and the hops it took where there are any."""
    whole = {**body, "hops": [hop._asdict() for hop in hops]} if hops else body
    return Reply(status, json.dumps(whole, ensure_ascii=False, indent=1).encode() + b"\n")


def read_hops(body: Json) -> tuple[Hop, ...]:
    """The hops in another service's answer. KeyError or TypeError if that has another shape."""
    return tuple(Hop(str(hop["service"]), str(hop["version"]), str(hop["caller"])) for hop in body["hops"])


def peer_identity(headers: Message) -> str:
    """Who is calling, such as `cluster.local/ns/a/sa/b`, from x-forwarded-client-cert; empty without one.

    Each proxy on the way appends the certificate that it has verified, so the last entry is our own sidecar's.
    """
    found = _IDENTITY.findall(headers.get("x-forwarded-client-cert", ""))
    return str(found[-1]).removeprefix("spiffe://") if found else ""


def read_request(target: str, headers: Message, *, service: str, version: str) -> Request:
    """The request for a target such as `/books/1?as=tester`. ValueError if that is no URL.

    The query or the header `end-user` names the user; a name that is not plain is ignored.
    """
    url = urlsplit(target)
    forward = {name: str(headers[name]) for name in FORWARDED if name in headers}
    user = parse_qs(url.query).get("as", [forward.pop("end-user", "")])[0]
    user = user if _USER.fullmatch(user) else ""
    forward |= {"end-user": user} if user else {}
    segments = tuple(part for part in url.path.split("/") if part)
    return Request(segments, user, forward, Hop(service, version, peer_identity(headers)))
