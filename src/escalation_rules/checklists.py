"""Checklists: what must be known or done before a case comes to a level, while it is there, and before it goes down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, field_validator

from escalation_rules._values import Name, Several, Texts, Value
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.events import Patterns
from escalation_rules.patterns import Pattern
from escalation_rules.picks import SpanChoice, SpanOrPick

__all__ = ["Checklist", "Item"]


class Item(Value):
    """One question with its possible answers.

    An answer in `blocked_by` counts as given and holds back the move; no answers at all (`answers=()`) admits any
    text. An answer may expire (half-open: at that instant it is gone), may need evidence, and may be given by an
    event instead (`answered_by`), which counts as the first of the answers.

    >>> workaround = Item("workaround", "Is there one?", answers=("none", "poor", "good"), blocked_by=("good",))
    >>> workaround.admits("none")
    True
    """

    positional: ClassVar[int | None] = 2
    key: Name
    text: str = ""
    answers: tuple[str, ...] = ("yes", "no")
    blocked_by: tuple[str, ...] = ("no",)
    valid_for: SpanChoice = None
    needs_evidence: bool = False
    answered_by: Patterns = ()

    if TYPE_CHECKING:

        def __init__(
            self,
            key: str,
            text: str = "",
            *,
            answers: Texts = ("yes", "no"),
            blocked_by: Texts = ("no",),
            valid_for: SpanOrPick | None = None,
            needs_evidence: bool = False,
            answered_by: Several[Pattern] = (),
        ) -> None: ...

    def admits(self, answer: str) -> bool:
        """Whether this is one of the possible answers."""
        return not self.answers or answer in self.answers

    @field_validator("blocked_by")
    @classmethod
    def _possible(cls, blocked_by: tuple[str, ...], info: Any) -> tuple[str, ...]:
        answers = info.data.get("answers", ())
        default = blocked_by == ("no",)
        odd = [one for one in blocked_by if answers and one not in answers]
        if odd and not default:
            expected = f"one of {', '.join(f'`{one}`' for one in answers)}"
            raise InvalidValue(*(Problem("not among the answers", one, expected=expected) for one in odd))
        return tuple(one for one in blocked_by if one not in odd) if answers else blocked_by


def _items(given: Any) -> Any:
    return (given,) if isinstance(given, Item) else given


class Checklist(Value):
    """The items to be answered, each under its own key.

    `name` is the name under which a policy keeps the checklist, if it does: a level may then name it instead of
    repeating it.

    >>> Checklist.of(reviewed="Complaint reviewed", answered="Customer answered").keys
    ('reviewed', 'answered')
    """

    positional: ClassVar[int | None] = 1
    items: Annotated[tuple[Item, ...], BeforeValidator(_items)] = ()
    name: str | None = None

    if TYPE_CHECKING:

        def __init__(self, items: Several[Item] = (), *, name: str | None = None) -> None: ...

    @classmethod
    def of(cls, *items: Item, **texts: str) -> Checklist:
        """A checklist of items, and of plain yes-or-no questions given as key and text."""
        return cls(items=(*items, *(Item(key=key, text=text) for key, text in texts.items())))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the items, in order."""
        return tuple(item.key for item in self.items)

    @field_validator("items")
    @classmethod
    def _one_each(cls, items: tuple[Item, ...]) -> tuple[Item, ...]:
        keys = [item.key for item in items]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise InvalidValue(*(Problem("item named twice", key) for key in twice))
        return items


def read_checklist(given: Any) -> Any:
    """A checklist from its items, or from the name of one of the policy's `checklists`, which has no items yet."""
    if isinstance(given, str):
        return Checklist(name=given)
    if isinstance(given, Item):
        return Checklist(items=(given,))
    return Checklist(items=given) if isinstance(given, list | tuple) else given


ChecklistLike = Checklist | Item | tuple[Item, ...] | list[Item] | str
"""Anything that can be read as a checklist: one, its items, or the name of one of the policy's."""
OptionalChecklist = Annotated[Checklist | None, BeforeValidator(read_checklist)]


# rule 25: one list of the level's, its track's and the policy's items
def merged(*checklists: Checklist | None) -> Checklist | None:
    """The items of several checklists, each key once, the first item with a key winning; None if there are none."""
    items: dict[str, Item] = {}
    for checklist in checklists:
        for item in checklist.items if checklist else ():
            items.setdefault(item.key, item)
    present = [checklist for checklist in checklists if checklist]
    return present[0] if len(present) == 1 else Checklist(items=tuple(items.values())) if present else None
