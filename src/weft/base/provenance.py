"""Where a value came from."""

from msgspec import Struct


class Provenance(Struct, frozen=True):
    """The object that a value came from, in its author's words. File and line are looked up by this key when asked.

    `path` leads to the field (`spec.http[0].route[1]`), `created` (Unix seconds) decides ties by age, `via` names other
    objects that took part.
    """

    kind: str
    namespace: str
    name: str
    cluster: str = ""
    path: str = ""
    created: int = 0
    via: "tuple[Provenance, ...]" = ()
