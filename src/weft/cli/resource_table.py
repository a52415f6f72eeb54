"""Objects as kubectl's tables."""

from typing import Final

from msgspec import Struct

from weft.cli.api import Listing
from weft.cli.columns import NAME_TITLE, Column, columns, labels
from weft.cli.manifests import Json
from weft.cli.resources import resource_name
from weft.cli.table import render


class Layout(Struct, frozen=True):
    """What a table shows besides the usual columns. `prefixed` puts the kind before each name."""

    wide: bool = False
    all_namespaces: bool = False
    labels: bool = False
    headers: bool = True
    prefixed: bool = False


def identity(item: Json) -> tuple[str, str]:
    """Namespace and name of an object, or of the object that an event is about."""
    place = item.get("metadata") or item.get("ref") or {}
    return str(place.get("namespace") or ""), str(place.get("name") or "")


def table(listing: Listing, layout: Layout, now: float) -> str:
    """One kind's table, its rows in the order of the objects; `now` in Unix seconds."""
    with_namespace = layout.all_namespaces and any(identity(item)[0] for item in listing.items)
    usual = columns(listing.kind, layout.wide)
    shown = [
        *([_NAMESPACE] if with_namespace else []),
        *(_prefixed(column, listing.kind) if layout.prefixed else column for column in usual),
        *([_LABELS] if layout.labels else []),
    ]
    rows = [[column.cell(item, now) for column in shown] for item in listing.items]
    return render([column.title for column in shown], rows, headers=layout.headers)


_NAMESPACE: Final = Column("NAMESPACE", lambda item, _: identity(item)[0])
_LABELS: Final = Column("LABELS", labels)


def _prefixed(column: Column, kind: str) -> Column:
    if column.title != NAME_TITLE:
        return column
    return Column(column.title, lambda item, now: resource_name(kind, column.cell(item, now)))
