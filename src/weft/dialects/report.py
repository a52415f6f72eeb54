"""Collects what is wrong with one object while it is compiled."""

from weft.base.issues import Issue, Ref, Severity
from weft.dialects.compiled import Compiled, Fragment
from weft.model import codes
from weft.model.fields import format_path

ABSENT = "the object counts as absent"


class Report:
    """The findings on one object, in the order in which they are made; a finding that is made twice counts once.

    A report that holds an error has failed: a routing object then counts as absent (one that is half in force would
    surprise more than none). `on_error` is what is said of the effect of an error.
    """

    def __init__(self, ref: Ref, *, on_error: str = ABSENT) -> None:
        self.ref = ref
        self._on_error = on_error
        self._issues: dict[Issue, None] = {}
        self.failed = False

    @property
    def issues(self) -> tuple[Issue, ...]:
        """The findings so far."""
        return tuple(self._issues)

    def invalid(self, path: str, message: str, advice: str = "") -> None:
        """A value that the API does not allow: an error."""
        self.failed = True
        self._add(codes.INVALID, "error", path, message, effect=self._on_error, advice=advice)

    def ineffective(self, path: str, message: str, *, effect: str = "", advice: str = "") -> None:
        """A valid value that does not do what it looks like."""
        self._add(codes.INEFFECTIVE, "warning", path, message, effect=effect, advice=advice)

    def deprecated(self, path: str, advice: str, *, effect: str = "") -> None:
        """A field that has been replaced; `advice` names what replaces it."""
        field = path.rpartition(".")[2]
        self._add(codes.DEPRECATED, "warning", path, f"{field} is deprecated", effect=effect, advice=advice)

    def unsupported(self, path: str, *, effect: str, advice: str = "") -> None:
        """A field that the API has and Weft does not do yet."""
        field = path.rpartition(".")[2]
        self._add(codes.UNSUPPORTED, "warning", path, f"{field} is not supported yet", effect=effect, advice=advice)

    def warning(self, code: str, path: str, message: str, *, effect: str = "", advice: str = "") -> None:
        """Any other finding that leaves the object in force."""
        self._add(code, "warning", path, message, effect=effect, advice=advice)

    def compiled(self, *fragments: Fragment) -> Compiled:
        """The outcome: the fragments, or none of them if there was an error."""
        return Compiled(() if self.failed else fragments, self.issues)

    def _add(self, code: str, severity: Severity, path: str, message: str, *, effect: str, advice: str) -> None:
        self._issues[Issue(code, severity, self.ref, path, message, effect, advice)] = None


def within(path: str, key: str) -> str:
    """The path of an entry of a map, as `format_path` writes it."""
    text = format_path((key,))
    return f"{path}{text}" if text.startswith("[") else f"{path}.{text}"
