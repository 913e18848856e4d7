"""Faults put into the engine, and into policies, to see which promise notices.

`python -m tests.units.testing.faults` puts each into a copy of the source (or into a policy), holds every promise against
it with Hypothesis, and prints which one broke first. What no promise speaks of is listed as such: other tests hold it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

# ruff: noqa: T201, E501 a script that prints a table of faults

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src"
LONGEST = 900
"""Seconds after which a fault has made the engine run for ever; a machine that does much else is slow, too."""
UNUSABLE = "cannot be used at all"
"""What is said of a fault that no promise has come to: it notices nothing."""


class Fault(NamedTuple):
    """A piece of the source, and what it is changed to. `spoken_of` is false where no promise is about it."""

    name: str
    file: str
    right: str
    wrong: str
    spoken_of: bool = True


FAULTS = (
    # deadlines
    Fault("breached at the due already", "engine/clocks.py", "is not None and state.now > due", "is not None and state.now >= due"),
    Fault("the breach wakes a microsecond early", "engine/fold.py", "yield due + 1", "yield due"),
    Fault("a breach is seen a microsecond late", "engine/conditions.py", "NEVER if due is None else due + 1", "NEVER if due is None else due + 2", spoken_of=False),
    Fault("a pause is counted", "engine/clocks.py", "or clock.legs[-1].paused:\n        return clock.counted", "or False:\n        return clock.counted"),
    Fault("a pause in the wrong calendar", "engine/clocks.py", "clock.leg_point = here\n    _turn(", "clock.leg_point = state.point(0)\n    _turn("),
    Fault("a pause at the due rescues", "engine/clocks.py", "else state.now >= clock.due", "else state.now > clock.due"),
    Fault("a change forgets what was counted", "engine/clocks.py", "= counted_now(clock, state), terms, terms.line", "= 0, terms, terms.line"),
    Fault("a change keeps the old calendar", "engine/clocks.py", "_turn(clock, LegRecord(state.now, terms.leg, _waits(state, lead)))", "_turn(clock, clock.legs[-1]._replace(since=state.now))"),
    Fault("the budget ignores days that were counted", "engine/clocks.py", "return line.opened(terms.days.reach(started, terms.span)) - line.opened(started)", "return terms.days.reach(started, terms.span) - started"),
    Fault("what stopped late is met", "engine/clocks.py", '"met" if outcome == "pending" else outcome', '"met"'),
    Fault("a case that is voided keeps its clocks", "engine/clocks.py", "ended = code.kind is E.Voided or", "ended = False or"),
    # moves
    Fault("one cause climbs on and on", "engine/rules.py", "elif evidence(state, rule.own_tree) > state.levels.entry[track]:", "else:"),
    Fault("next is two rungs up", "engine/rules.py", "wanted.setdefault(present + 1, [])", "wanted.setdefault(min(present + 2, len(state.program.levels[track]) - 1), [])"),
    Fault("any where all was meant", "program/model.py", 'combine = all if tree[0] == "all" else any', "combine = any", spoken_of=False),
    Fault("the first rule wins", "engine/rules.py", "for level in sorted(wanted, reverse=True):", "for level in list(wanted)[:1]:", spoken_of=False),
    Fault("the lowest level wins", "engine/rules.py", "for level in sorted(wanted, reverse=True):", "for level in sorted(wanted):", spoken_of=False),
    Fault("a stale level", "engine/facts.py", "levels.level[track], levels.entry[track] = level, state.when", "levels.level[track], levels.entry[track] = level, levels.entry[track]"),
    Fault("a key without its cause", "engine/records.py", "return _digest(MOVE_KEY, case, policy, track, level, cause)", "return _digest(MOVE_KEY, case, policy, track, level)"),
    Fault("a key without its track and level", "engine/records.py", "return _digest(MOVE_KEY, case, policy, track, level, cause)", "return _digest(MOVE_KEY, case, policy, cause)"),
    Fault("an action's key without its cause", "engine/records.py", "source, action.model_dump_json(), cause)", "source, action.model_dump_json())"),
    Fault("keys that history records are forgotten", "engine/rules.py", "if key in state.asked.recorded_keys:", "if False:"),
    Fault("a recorded move is asked for again", "engine/rules.py", "return key not in asked.declined and (key not in asked.recorded_keys or key in asked.accepted)", "return key not in asked.declined", spoken_of=False),
    Fault("accepted at the moment of asking", "decision.py", '"at": one.due_at, "recorded_at": at', '"at": at, "recorded_at": at'),
    Fault("what is accepted has no id", "decision.py", '"actor": "automation", "id": one.key}', '"actor": "automation", "id": None}'),
    Fault("priority falls", "engine/rules.py", "(rank := _rank_asked(state, request.action)) > highest", "(rank := _rank_asked(state, request.action) - 1) > highest", spoken_of=False),
    Fault("nobody on duty, and nobody says so", "engine/rules.py", "OwnerRecord(roles[0], None, False, tuple(roles))", "OwnerRecord(roles[0], None, True, tuple(roles))"),
    Fault("a held move goes ahead", "engine/rules.py", "if missing or against or is_held(state, track, level):", "if missing or against:"),
    # checklists
    Fault("an objection is overlooked", "engine/rules.py", "elif answer in item.blocked_by:", "elif False:"),
    Fault("answers never expire", "engine/rules.py", "end is not None and state.now >= end", "False and state.now >= end"),
    Fault("entry checklists are not asked", "engine/rules.py", "if waived or target.entry is None", "if True or target.entry is None"),
    Fault("one item is enough", "engine/rules.py", "for item in checklist.items if checklist else ():", "for item in checklist.items[:1] if checklist else ():"),
    Fault("an expiry wakes nobody", "engine/fold.py", "in (_expiries(state), _min_stays(state),", "in (_min_stays(state),"),
    Fault("the way down is always open", "engine/fold.py", "            missing, against = checked(\n                state, state.program.levels[track][level].de_escalation, state.levels.entry[track], track\n            )", "            missing, against = (), ()"),
    Fault("a minimum stay begins again and again", "engine/fold.py", "reach(state.levels.entry[track] >> POSITION_BITS, stay)", "reach(state.now, stay)"),
    Fault("the end of a minimum stay wakes nobody", "engine/fold.py", "_min_stays(state), _of_moves", "_of_moves"),
    # time
    Fault("rules run before the events of their instant", "engine/fold.py", "if crossing == until:\n            break\n", "if False:\n            break\n", spoken_of=False),
    Fault("time alone changes nothing", "engine/fold.py", "    if (crossing := arrive(state, until)) <= until:\n        _cross_until(state, crossing, until)\n    if state.rules_pending:", "    state.now = until\n    if state.rules_pending:"),
    Fault("a handover wakes nobody", "engine/fold.py", "        if change is not None:\n            yield change\n", ""),
    Fault("open time a microsecond short", "worktime/_timeline.py", "so_far = sums[index - 1] + instant - opens[index - 1]", "so_far = sums[index - 1] + max(instant - opens[index - 1] - 1, 0)"),
    Fault("due at the next opening", "worktime/_timeline.py", "index = bisect_left(sums, opened) - 1", "index = bisect_right(sums, opened) - 1"),
    Fault("decisions look into the future", "engine/fold.py", "            if instant > at:\n                break\n", "            if instant > at + 3_600_000_000:\n                break\n"),
    # cases
    Fault("history in the order of arrival", "case.py", "            history = _in_order(history)\n", "            pass\n"),
    Fault("the same id counts twice", "case.py", "if event.id is None or not _is_known(known, event):\n                if isinstance", "if True:\n                if isinstance"),
    Fault("notes count as replies", "events.py", "return self.public and not self.automatic and self.actor", "return not self.automatic and self.actor"),
    Fault("automatic replies count", "events.py", "return self.public and not self.automatic and self.actor", "return self.public and self.actor"),
    Fault("unknown is taken for true", "program/model.py", "return value is not None and COMPARE", "return value is None or COMPARE"),
    Fault("the last resolution is taken for the first", "case.py", "return next((event.at for event in self._plain(at=at) if", "return next((event.at for event in reversed(tuple(self._plain(at=at))) if"),
    Fault("requests are forgotten at an answer", "case.py", "return sum(_asks_for_attention(event) for event in self._until(at=at))", "return int(self.first_open_escalation_request(at) is not None)"),
    Fault("a void case is still moved", "engine/fold.py", "    live = state.life.live\n", "    live = True\n"),
    Fault("explanations leave the rules out", "explain.py", "for reason in move.reasons)\n        if not", "for reason in move.reasons[1:])\n        if not"),
)  # fmt: skip
"""Each of the engine's."""


def put_in(fault: Fault, source: Path) -> None:
    """Put a fault into a copy of the source. The piece must be there, once."""
    file = source / "escalation_rules" / fault.file
    text = file.read_text()
    assert text.count(fault.right) == 1, f"{fault.name}: found {text.count(fault.right)} times in {fault.file}"
    file.write_text(text.replace(fault.right, fault.wrong))


def noticed(fault: Fault | None) -> str:
    """The promise that breaks first, or what else happens; empty when nothing notices. None is no fault at all."""
    with TemporaryDirectory() as directory:
        source = Path(directory) / "src"
        shutil.copytree(SOURCE, source)
        if fault is not None:
            put_in(fault, source)
        place = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{ROOT}"}
        command = [sys.executable, "-m", "tests.units.testing.promise_check"]
        try:
            done = subprocess.run(
                command, env=place, cwd=directory, capture_output=True, text=True, timeout=LONGEST, check=False
            )
        except subprocess.TimeoutExpired:
            return "never answers"
    if done.returncode == 0:
        return ""
    return done.stdout.strip() or UNUSABLE


def main() -> int:
    """Try every fault, two at a time, and print what noticed it. The number of those that should be and are not."""
    if found := noticed(None):
        print(f"without any fault: {found}")
        return 1
    missed = 0
    with ThreadPoolExecutor(2) as pool:
        for fault, found in zip(FAULTS, pool.map(noticed, FAULTS), strict=True):
            missed += fault.spoken_of and found in {"", UNUSABLE}
            verdict = found or ("MISSED" if fault.spoken_of else "no promise speaks of it")
            print(f"{fault.name:<48} {verdict}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
