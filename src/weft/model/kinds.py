"""The kinds of objects that are known, and how people and files name them."""

from collections.abc import Iterable, Iterator

from weft.model.fields import did_you_mean, shorten
from weft.model.objects import Kind


class UnknownKindError(ValueError):
    """No known kind has that name or version. `kind` is the known kind when only its version is unknown.

    `slip` tells that it is near to a known one, so that its author most likely meant that.
    """

    def __init__(self, message: str, *, kind: Kind | None = None, slip: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.slip = slip


class Kinds:
    """All kinds of one process. Made where the process is put together, from the `KINDS` of the modules of kinds."""

    def __init__(self, *groups: Iterable[Kind]) -> None:
        self._by_key: dict[str, Kind] = {}
        self._by_word: dict[str, Kind] = {}
        for kind in (kind for group in groups for kind in group):
            self._add(kind)

    def _add(self, kind: Kind) -> None:
        if kind.key in self._by_key:
            raise ValueError(f"the kind {kind.key} is declared twice")
        self._by_key[kind.key] = kind
        for word in (kind.name.lower(), kind.plural, *kind.short_names):
            self._by_word.setdefault(word, kind)
            self._by_word[f"{word}.{kind.group}"] = kind

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_key.values())

    def get(self, key: str) -> Kind | None:
        """The kind of a `Ref.kind`."""
        return self._by_key.get(key)

    def of(self, api_version: str, name: str) -> Kind:
        """The kind that an object's `apiVersion` and `kind` say. Raises UnknownKindError with the way out."""
        group, _, version = api_version.rpartition("/")
        kind = self._by_key.get(f"{name}.{group}" if group else name)
        if kind is None:
            raise self._unknown(api_version, name)
        if version not in kind.versions:
            known = " or ".join(_api_version(kind, known) for known in kind.versions)
            raise UnknownKindError(f"unknown version {api_version} of {name}: write {known}", kind=kind, slip=True)
        return kind

    def named(self, word: str) -> Kind:
        """The kind that a person calls `word`: its name, plural or short name in any case, also with `.group`.

        Where several groups have such a kind, the one that was declared first is meant, as for kubectl. Raises
        UnknownKindError.
        """
        kind = self._by_word.get(word.lower())
        if kind is None:
            hint = did_you_mean(word, self._by_word)
            raise UnknownKindError(f"unknown kind {shorten(word)}" + _suggest(hint), slip=bool(hint))
        return kind

    def _unknown(self, api_version: str, name: str) -> UnknownKindError:
        given = f"unknown kind {shorten(name)} of {shorten(api_version)}"
        namesakes = [kind for kind in self if kind.name == name]
        if namesakes:
            known = " or ".join(_api_version(kind, kind.versions[0]) for kind in namesakes)
            return UnknownKindError(f"{given}: write apiVersion {known}", slip=True)
        hint = did_you_mean(name, (kind.name for kind in self))
        return UnknownKindError(given + _suggest(hint), slip=bool(hint))


def _api_version(kind: Kind, version: str) -> str:
    return f"{kind.group}/{version}" if kind.group else version


def _suggest(hint: str) -> str:
    return f"; did you mean {hint}?" if hint else ""
