"""A root is replaced step by step, and no step leaves a certificate without its root."""

from datetime import UTC, datetime

import pytest

from weft.identity.authority import new_authority
from weft.identity.signer import AuthorityError, load_certificates, self_signed
from weft.identity.spiffe import SpiffeError

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OLD, NEW = self_signed("td", NOW), self_signed("td", NOW)


def test_a_rotation_adds_the_root_then_switches_then_removes_the_old_one() -> None:
    start = new_authority("td", OLD)
    prepared = start.prepare(NEW)
    assert (prepared.signer, prepared.roots) == (OLD, (OLD.root, NEW.root))
    switched = prepared.switch()
    assert (switched.signer, switched.roots, switched.standby) == (NEW, (OLD.root, NEW.root), None)
    retired = switched.retire()
    assert (retired.signer, retired.roots) == (NEW, (NEW.root,))
    assert load_certificates(switched.bundle, "bundle") == (OLD.root, NEW.root)


def test_steps_out_of_order_are_refused() -> None:
    start = new_authority("td", OLD)
    with pytest.raises(AuthorityError, match="prepare one first"):
        start.switch()
    with pytest.raises(AuthorityError, match="under way"):
        start.prepare(NEW).prepare(self_signed("td", NOW))


def test_a_prepared_rotation_can_be_abandoned() -> None:
    start = new_authority("td", OLD)
    assert start.prepare(NEW).retire() == start


def test_a_new_intermediate_of_the_same_root_adds_no_root() -> None:
    start = new_authority("td", OLD)
    assert start.prepare(OLD).roots == (OLD.root,)


def test_the_trust_domain_is_checked() -> None:
    with pytest.raises(SpiffeError):
        new_authority("Not A Domain", OLD)
