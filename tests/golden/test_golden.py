"""Answers written down before the code was rearranged, as hashes: 2,475 situations, and ten frames of the sample.

The situations are the first edition's own data: 2,011 drawn from `tests/strategies.py` and 464 under the six presets.
Each holds a policy, a case and an instant, as JSON, and the hash of the decision; `names.py` translates them. Keys are
compared by their order of appearance, since the key of an action is made of its fields, and the course of a clock is
left out. The check goes when policies compile to plain data and everything reads that.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import runpy
from datetime import datetime
from pathlib import Path

import pytest

from escalation_rules import Case, Policy, decide
from escalation_rules.simulation import replay
from tests.golden import names

HERE = Path(__file__).parent
QUICKSTART = HERE.parent.parent / "examples" / "quickstart.py"
FRAMES = json.loads((HERE / "frames.json").read_text())


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def test_decisions_are_those_written_down():
    """Every field of every decision is the same, to the microsecond."""
    with gzip.open(HERE / "situations.json.gz") as file:
        recorded = json.load(file)
    policies = [Policy.model_validate_json(json.dumps(names.policy(policy))) for policy in recorded["policies"]]
    different = []
    for number, situation in enumerate(recorded["situations"]):
        policy = policies[situation["policy"]]
        case = Case.model_validate_json(json.dumps(names.case(situation["case"])))
        decision = decide(policy, case, at=datetime.fromisoformat(situation["at"]))
        if hash_of(names.answer(json.loads(decision.model_dump_json()))) != situation["answer"]:
            different.append(number)
    assert different == []


@pytest.fixture(scope="module")
def quickstart():
    return runpy.run_path(str(QUICKSTART))


@pytest.mark.parametrize("policy", ["TODAY", "PROPOSED"])
def test_frames_of_the_sample_are_those_written_down(quickstart, policy):
    """Every row and column of the five frames is the same."""
    report = replay(quickstart[policy], quickstart["read_log"]())
    assert {name: frame_hash(report.frame(name)) for name in FRAMES[policy]} == FRAMES[policy]


def frame_hash(frame) -> str:
    return hash_of(repr(names.frame(frame.columns, frame.rows())))
