"""From objects of Istio's API to what a proxy gets: compared word for word, and accepted by a real Envoy.

After an intended change look at the difference of the files that `--update-golden` writes.
"""

import json
from functools import cache
from pathlib import Path

import pytest
import yaml
from tests.golden.envoy.views import BOOTSTRAP
from tests.golden.istio import case
from tests.golden.istio.acceptance import bootstrap_of
from tests.golden.istio.outcome import Outcome, name_of
from tests.golden.real_envoy import refusal

from weft.base import protobuf
from weft.envoy.bootstrap.document import bootstrap

EXPECTED = Path(__file__).parent / "expected"


@cache
def outcome_of(name: str) -> Outcome:
    return Outcome(case.read(name))


@pytest.mark.parametrize("name", case.names())
def test_what_a_proxy_gets(name: str, update_golden: bool) -> None:
    outcome = outcome_of(name)
    compared = json.loads(json.dumps(outcome.compared()))  # plain types only
    path = EXPECTED / f"{name}.yaml"
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(compared, width=120, sort_keys=False))
    assert yaml.safe_load(path.read_text()) == compared
    assert outcome.failures == ()
    assert all(compared[kind] for kind in outcome.case.header.keep), "the case keeps something that is not there"


def test_every_golden_file_has_a_case() -> None:
    assert sorted(path.stem for path in EXPECTED.glob("*.yaml")) == case.names()


@pytest.mark.parametrize("name", case.names())
def test_what_leads_nowhere_is_told(name: str) -> None:
    outcome = outcome_of(name)
    nowhere = set(outcome.destinations()) - {name_of(each) for each in outcome.resources["clusters"]}
    told = [issue.message for issue in outcome.issues if issue.code in ("IST0101", "IST0112")]
    assert [each for each in nowhere if not any(each.rpartition("|")[2] in message for message in told)] == []


def test_a_real_envoy_accepts_every_resource_of_every_case(tmp_path: Path) -> None:
    runtime = protobuf.to_dict(bootstrap(BOOTSTRAP))["layeredRuntime"]
    assert refusal(tmp_path, bootstrap_of(tmp_path, map(outcome_of, case.names()), runtime)) is None
