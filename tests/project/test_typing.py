"""What type checkers are told: constructors say what they take, and keep to the fields; wrong uses are refused."""

from __future__ import annotations

import ast
import inspect
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import escalation_rules
from escalation_rules import actions, events, facts, worktime
from escalation_rules._values import Value

HERE = Path(__file__).parent
USER = HERE / "typing" / "user.py"

NOT_WRITTEN = {
    *("BlockedMove", "Deadline", "Decision", "Move", "Owner", "Reason", "Segment", "Settled"),  # made by the library
    *("FieldTest", "Pattern"),  # made by `like` and `other_than`
    *("Calendar", "BaseEvent"),  # what several kinds have in common
}
"""Values that users read and never write: a checker knows their fields, and that nothing more is taken."""

VALUES: dict[str, type[Value]] = {
    kind.__name__: kind
    for module in (escalation_rules, events, facts, actions, worktime)
    for kind in map(vars(module).get, module.__all__)
    if isinstance(kind, type) and issubclass(kind, Value) and kind.__name__ not in NOT_WRITTEN
}
"""Values that users write."""


def constructor_of(kind: type) -> ast.FunctionDef | None:
    """The `__init__` that only type checkers see."""
    tree = ast.parse(Path(inspect.getfile(kind)).read_text())
    (own,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    hidden = [node for node in own.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return next((one for node in hidden for one in node.body if isinstance(one, ast.FunctionDef)), None)


def spread_of(kind: type, init: ast.FunctionDef) -> list[str]:
    """The names in `**said: Unpack[…]`, none of them required."""
    if init.args.kwarg is None:
        return []
    annotation = init.args.kwarg.annotation
    assert isinstance(annotation, ast.Subscript), "what else is taken must be named"
    names = vars(sys.modules[kind.__module__])[ast.unparse(annotation.slice)]
    assert not names.__required_keys__
    return list(names.__annotations__)


def usual_of(init: ast.FunctionDef) -> dict[str, ast.expr | None]:
    """The parameters by name, each with its default or None: first those that may be given by place."""
    by_place = [one.arg for one in (*init.args.posonlyargs, *init.args.args)][1:]
    defaults = [None] * len(by_place) + list(init.args.defaults)
    usual = dict(zip(by_place, defaults[len(init.args.defaults) :], strict=True))
    return usual | dict(zip([one.arg for one in init.args.kwonlyargs], init.args.kw_defaults, strict=True))


def faults_of(kind: type[Value], init: ast.FunctionDef | None) -> list[str]:
    """Where a constructor differs from the fields: in names, order, what is required, or what is usual."""
    if init is None:
        return ["no constructor"]
    fields = {name: field for name, field in kind.model_fields.items() if name != "type"}
    usual, spread, by_place = usual_of(init), spread_of(kind, init), len(init.args.args) - 1
    taken = [*usual, *spread]
    if odd := [name for name in taken if name not in fields] + [name for name in fields if name not in taken]:
        return [f"{name} is in one of the two" for name in odd]
    order = list(fields)
    faults = [] if list(usual)[:by_place] == order[:by_place] else ["another order by place"]
    faults += [] if list(usual) == sorted(usual, key=order.index) else ["another order"]
    for name, field in fields.items():
        default = usual.get(name)
        if field.is_required() != (name in usual and default is None):
            faults.append(f"{name} is required in one of the two")
        elif default is not None and ast.unparse(default) != "...":
            same = ast.literal_eval(default) == field.get_default(call_default_factory=True)
            faults += [] if same else [f"{name} is usually something else"]
    return faults


@pytest.mark.parametrize("kind", VALUES.values(), ids=VALUES)
def test_a_constructor_keeps_to_the_fields(kind):
    """The same names in the same order, the same of them required, with the same defaults."""
    assert faults_of(kind, constructor_of(kind)) == []


@pytest.mark.parametrize(
    ("signature", "faults"),
    [
        ("self, name, version='1', *, levels=()", []),
        ("self, name, version='1', *, levels=(), tracks=()", ["tracks is in one of the two"]),
        ("self, name, *, levels=()", ["version is in one of the two"]),
        ("self, name, levels=(), *, version='1'", ["another order by place", "another order"]),
        ("self, name, *, levels=(), version='1'", ["another order"]),
        ("self, name='n', version='1', levels=()", ["name is required in one of the two"]),
        ("self, name, version, levels=()", ["version is required in one of the two"]),
        ("self, name, version='2', levels=...", ["version is usually something else"]),
    ],
)
def test_a_constructor_that_has_drifted_is_found(signature, faults):
    """The check itself fails when the rule is broken."""

    class Small(Value):
        name: str
        version: str = "1"
        levels: tuple[str, ...] = ()

    (init,) = ast.parse(f"def __init__({signature}): ...").body
    assert isinstance(init, ast.FunctionDef)
    assert faults_of(Small, init) == faults


def taken_back() -> str:
    """A script in which each value is made anew from what its fields hold."""
    homes = {"escalation_rules": escalation_rules, "events": events, "actions": actions, "worktime": worktime}
    lines = ["import escalation_rules", "from escalation_rules import actions, events, worktime"]
    for name, kind in VALUES.items():
        home = next(home for home, module in homes.items() if vars(module).get(name) is kind)
        same = ", ".join(f"{field}=held.{field}" for field in kind.model_fields if field != "type")
        lines.append(f"def {name.lower()}(held: {home}.{name}) -> {home}.{name}: return {home}.{name}({same})")
    return "\n".join(lines) + "\n"


@pytest.mark.law
def test_a_user_passes_mypy_in_strict_mode_without_any_plugin(tmp_path_factory):
    """What the design and the README write, and each form a constructor takes; and whatever its fields hold.

    The wrong uses at the end of the script are refused: an ignored error that is none would be one.
    """
    scripts = tmp_path_factory.mktemp("typing")
    (scripts / "taken_back.py").write_text(taken_back())
    options = ["--config-file=", "--strict", "--follow-imports=silent", f"--cache-dir={scripts / 'cache'}"]
    environment = os.environ | {"MYPYPATH": str(HERE.parent.parent / "src")}
    command: list[Any] = [sys.executable, "-m", "mypy", *options, USER, scripts / "taken_back.py"]
    checked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert checked.stdout.startswith("Success"), checked.stdout + checked.stderr


def test_what_type_checkers_let_pass_the_library_takes():
    """The script runs."""
    assert runpy.run_path(str(USER))["to"] == "manager"
