"""How far connected proxies have got: the values behind `weft proxy-status`."""

from typing import Literal

from msgspec import Struct

from weft.serve.ads.subscription import Subscription

Status = Literal["SYNCED", "STALE", "NOT SENT", "ERROR"]


class TypeState(Struct, frozen=True, kw_only=True):
    """How far a proxy has got with one type of resources; times in Unix seconds.

    `subscribed` counts the names asked for; None where the type is discovered as a whole. `refused` are resources that
    the proxy does not take as they are now. `refusal` is its last refusal, which may be over.
    STALE: something is still to be sent or to be accepted. ERROR: it is not, because something was refused.
    """

    type_url: str
    status: Status
    subscribed: int | None
    nonce_sent: str = ""
    sent: float | None = None
    nonce_accepted: str = ""
    accepted: float | None = None
    refused: tuple[str, ...] = ()
    refusal: str = ""
    refusal_time: float | None = None


class ProxyState(Struct, frozen=True, kw_only=True):
    """A connected proxy; `connected` in Unix seconds, `address` as the server sees it, `view` the name of its view.

    `version` is what it says of its Envoy.
    """

    node_id: str
    pod_uid: str
    namespace: str
    pod: str
    address: str
    view: str
    connected: float
    version: str = ""
    types: tuple[TypeState, ...] = ()


def type_state(subscription: Subscription, offset: float) -> TypeState:
    """Returns the state of a subscription; `offset` is what makes Unix time of the stream's times."""
    nonce_sent, sent = subscription.last_sent or ("", None)
    nonce_accepted, accepted = subscription.last_accepted or ("", None)
    refusal = subscription.last_refusal
    return TypeState(
        type_url=subscription.type_url,
        status=_status(subscription),
        subscribed=None if subscription.wildcard else len(subscription.names),
        nonce_sent=nonce_sent,
        sent=_shift(sent, offset),
        nonce_accepted=nonce_accepted,
        accepted=_shift(accepted, offset),
        refused=tuple(sorted(subscription.refused)),
        refusal=refusal.message if refusal else "",
        refusal_time=_shift(refusal.time if refusal else None, offset),
    )


def _status(subscription: Subscription) -> Status:
    if subscription.refused:
        return "ERROR"
    if subscription.last_sent is None and subscription.pending:
        return "NOT SENT"
    return "STALE" if subscription.unsettled else "SYNCED"


def _shift(time: float | None, offset: float) -> float | None:
    return None if time is None else time + offset
