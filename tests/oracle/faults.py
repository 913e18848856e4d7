"""Faults put into the compilation of policies and the table of facts, to see that each is noticed.

`python -m tests.oracle.faults` puts each into a copy of the source, compares the engine with the oracle, runs the
examples of the rules, and prints the test that failed first. Both back ends read the program, so a comparison of one
with the other could not notice these.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.units.testing.faults import ROOT, SOURCE, Fault, put_in

# ruff: noqa: T201, E501 a script that prints a table of faults

FAULTS = (
    Fault("a wrong calendar: the policy's before the track's", "program/compile.py", "up_to_a_name((rule.calendar, policy.all_tracks[track].calendar, policy.usual_calendar))", "up_to_a_name((rule.calendar, policy.usual_calendar, policy.all_tracks[track].calendar))"),
    Fault("a wrong track: the first", "program/compile.py", "        return names.places[rule.to][0]\n", "        return 0\n"),
    Fault("a wrong rank: priorities upside down", "program/compile.py", "rank for rank, name in enumerate(policy.priorities)", "-rank for rank, name in enumerate(policy.priorities)"),
    Fault("a wrong span: business time elapses", "program/atoms.py", "line = line if span.is_business and span.microseconds is not None else 0", "line = 0"),
    Fault("a wrong gate: the first level alone", "program/compile.py", "for number, level in (places[key] for key in rule.at_level):", "for number, level in (places[key] for key in rule.at_level[:1]):"),
    Fault("a wrong waiver: never", "program/compile.py", 'waived=rule.checklist == "waived"', "waived=False"),
    Fault("a wrong pause: for nobody", "program/compile.py", "pauses=target.pause_on,", "pauses=(),"),
    Fault("a wrong stop: nothing stops", "program/compile.py", "stops=target.stop_on,", "stops=(),"),
    Fault("wrong evidence: the first request and not the latest", "program/compile.py", "if isinstance(source, Flag) and source.latest:", "if isinstance(source, Flag) and False:"),
    Fault("a wrong event: all patterns share what was seen", "program/atoms.py", "number = self.watched.setdefault(atom.pattern, len(self.watched))", "number = self.watched.setdefault(atom.pattern, 0)"),
    Fault("a wrong next: two levels up", "program/compile.py", "is_next=rule.to == NEXT,", "is_next=False,"),
    Fault("a wrong fact: the last message and not the first", "fact_table.py", "source=Since(_MESSAGE, until=_REPLY, first=True)", "source=Since(_MESSAGE, until=_REPLY)"),
    Fault("a wrong cycle: counts go on", "fact_table.py", "source=Count(_REPLY, in_cycle=True)", "source=Count(_REPLY)"),
    Fault("a wrong variant: the last that applies", "program/compile.py", "variants=tuple(_variant(target, calendars, collector) for target in named)", "variants=tuple(_variant(target, calendars, collector) for target in named[::-1])"),
    Fault("wrong terms: the target's own calendar is forgotten", "program/compile.py", "own, table = up_to_a_name((target.calendar, *calendars))", "own, table = up_to_a_name((None, *calendars))"),
)  # fmt: skip
"""A wrong calendar, track, rank, span, gate, waiver, pause, stop, evidence, next, fact, cycle, variant and terms."""


def noticed(fault: Fault) -> str:
    """The first test that fails with a fault; empty where nothing notices."""
    with TemporaryDirectory() as directory:
        source = Path(directory) / "src"
        shutil.copytree(SOURCE, source)
        put_in(fault, source)
        place = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{ROOT}", "HYPOTHESIS_PROFILE": "unshrunk"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
        command += [str(ROOT / "tests" / name) for name in ("oracle/test_fold.py", "oracle/test_compile.py", "rules")]
        done = subprocess.run(command, env=place, cwd=ROOT, capture_output=True, text=True, check=False)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" - ")[0] if failed else "" if done.returncode == 0 else done.stdout[-300:]


def main() -> int:
    """Try every fault, two at a time. Returns the number of those that nothing noticed."""
    missed = 0
    with ThreadPoolExecutor(2) as pool:
        for fault, found in zip(FAULTS, pool.map(noticed, FAULTS), strict=True):
            missed += not found
            print(f"{fault.name:<55} {found or 'MISSED'}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
