"""The compiled policy, as plain data: `model` has its types, `compile` makes it, and every back end reads it."""

from __future__ import annotations

from escalation_rules.policy import Policy
from escalation_rules.program.compile import compile_policy
from escalation_rules.program.model import Program

__all__ = ["Program", "compile_policy", "program_of"]

_PROGRAM = "compiled program"


def program_of(policy: Policy) -> Program:
    """Return the program of a policy, compiled when it is first needed and kept with it."""
    program: Program | None = policy.__dict__.get(_PROGRAM)
    if program is None:
        program = policy.__dict__[_PROGRAM] = compile_policy(policy)
    return program
