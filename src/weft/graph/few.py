"""Sets that mostly have few members: a tuple up to `MOST`, a set beyond.

An empty set of Python takes 216 bytes, a tuple of one 48; a graph has a set for each of its nodes, of which most have
one dependent.
"""

from collections.abc import Hashable
from typing import Final, TypeVar

T = TypeVar("T", bound=Hashable)
Few = tuple[T, ...] | set[T]

MOST: Final = 6


def added(members: Few[T], member: T) -> Few[T]:
    """The members with one more; a set is changed in place."""
    if type(members) is set:
        members.add(member)
        return members
    if not members:
        return (member,)
    if member in members:
        return members
    return (*members, member) if len(members) < MOST else {*members, member}


def removed(members: Few[T], member: T) -> Few[T]:
    """The members without one, if it is among them; a set is changed in place, and becomes a tuple when it is small."""
    if isinstance(members, set):
        members.discard(member)
        return members if len(members) > MOST // 2 else tuple(members)
    return tuple(each for each in members if each != member) if member in members else members
