"""Checklists: what must be known or done before a case comes to a level, while it is there, and before it goes down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, field_validator

from escalation_rules._values import Name, Several, Texts, Value
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.events import Patterns
from escalation_rules.patterns import Pattern
from escalation_rules.picks import SpanChoice, SpanOrPick

__all__ = ["Checklist", "Item"]


class Item(Value):
    """One question with its possible answers.

    An answer in `against` counts as given and argues against the move; no answers at all (`answers=()`) admits any
    text. An answer may expire (half-open: at that instant it is gone), may need evidence, and may be given by an
    event instead (`done_by`), which counts as the first of the answers.

    >>> Item("workaround", "Is there a workaround?", answers=("none", "poor", "good"), against=("good",)).admits("none")
    True
    """

    key: Name
    text: str = ""
    answers: tuple[str, ...] = ("yes", "no")
    against: tuple[str, ...] = ("no",)
    expires: SpanChoice = None
    evidence: bool = False
    done_by: Patterns = ()

    if TYPE_CHECKING:

        def __init__(
            self,
            key: str,
            text: str = "",
            answers: Texts = ("yes", "no"),
            against: Texts = ("no",),
            expires: SpanOrPick | None = None,
            evidence: bool = False,
            done_by: Several[Pattern] = (),
        ) -> None: ...

    def admits(self, answer: str) -> bool:
        """Whether this is one of the possible answers."""
        return not self.answers or answer in self.answers

    @field_validator("against")
    @classmethod
    def _possible(cls, against: tuple[str, ...], info: Any) -> tuple[str, ...]:
        answers = info.data.get("answers", ())
        default = against == ("no",)
        odd = [one for one in against if answers and one not in answers]
        if odd and not default:
            expected = f"one of {', '.join(f'`{one}`' for one in answers)}"
            raise InvalidValue(*(Problem("not among the answers", one, expected=expected) for one in odd))
        return tuple(one for one in against if one not in odd) if answers else against


def _items(given: Any) -> Any:
    return (given,) if isinstance(given, Item) else given


class Checklist(Value):
    """The items to be answered, each under its own key.

    >>> Checklist.of(reviewed="Complaint reviewed", answered="Customer answered").keys
    ('reviewed', 'answered')
    """

    items: Annotated[tuple[Item, ...], BeforeValidator(_items)] = ()

    if TYPE_CHECKING:

        def __init__(self, items: Several[Item] = ()) -> None: ...

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
