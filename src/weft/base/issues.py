"""Issues: what is wrong with an object, said once and clearly, with the way out."""

from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning", "info"]


class Ref(Struct, frozen=True, order=True):
    """The key of an object: kind as `Kind.group` (the core group has none), namespace ("" if none), and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = self.kind.partition(".")[0]
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


class Issue(Struct, frozen=True):
    """One finding on one object.

    `code` is stable for ever (Istio's `IST....` where Istio has the same finding, else `WEFT....`), `path` leads to the
    field (`spec.http[0].route`), `effect` says what the mesh does because of it, `advice` the way out.
    """

    code: str
    severity: Severity
    ref: Ref | None
    path: str
    message: str
    effect: str = ""
    advice: str = ""


class Position(Struct, frozen=True):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class LocatedIssue(Struct, frozen=True):
    """An issue and the place that it is about; None where it is about no file."""

    issue: Issue
    position: Position | None = None
