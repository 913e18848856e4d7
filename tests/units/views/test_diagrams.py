"""What a policy's flow chart shows."""

from __future__ import annotations

import re

import pytest

from escalation_rules import Checklist, EscalationLevel, Item, Rule, Target, Track, presets, views
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.picks import Pick
from tests.bench import desk, levels


def lines(policy) -> list[str]:
    return [line.strip() for line in views.mermaid(policy).splitlines()]


def arrows(policy) -> set[str]:
    return {line for line in lines(policy) if "-->" in line or "-.->" in line}


@pytest.mark.parametrize("name", presets.__all__)
def test_everything_of_a_preset_is_in_its_diagram(name):
    """Levels, tracks, rules, checklists and targets; every arrow leads from a box to a box that is there."""
    policy = getattr(presets, name)()
    text = views.mermaid(policy)
    plain = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)
    for level in policy.all_levels:
        assert f"<b>{level.name}</b>" in plain
        assert all(item.text in plain for one in (level.entry, level.de_escalation) if one for item in one.items)
    assert all(f"<b>{rule.key}</b>" in plain for rule in policy.rules)
    assert all(f"{target.key}: within " in plain for target in policy.all_targets)
    assert all(f'["{track.key}"]' in text for track in policy.tracks)
    boxes = set(re.findall(r"^ *(\w+)[\[({]", text, re.MULTILINE))
    drawn = {
        end
        for line in arrows(policy)
        for end in re.split(r" -->| -\.->", line.replace(" ", " "))
        for end in [end.strip()]
    }
    assert drawn <= boxes
    assert text.count("subgraph ") == text.count("  end\n") + text.endswith("  end")


def test_a_rule_leads_through_the_entry_checklist_unless_it_waives_it():
    """And down through the de-escalation checklist, to the first level."""
    policy = desk(
        Rule(key="asked", when=F.escalation_request_open, to="l2"),
        Rule(key="down", when=F.acknowledged, to="l2", checklist="waived"),
        levels=levels(l2={"entry": Checklist.of(a="A?"), "de_escalation": Checklist.of(b="B?")}),
    )
    assert arrows(policy) == {
        "l0_0 --> r0_0",
        "r0_0 --> el0_1",
        "el0_1 --> l0_1",
        "l0_0 --> r1_0",
        "r1_0 --> l0_1",
        "l0_1 -.-> xl0_1",
        "xl0_1 -.-> l0_0",
    }


def test_next_is_drawn_step_by_step_and_a_level_from_all_below():
    """From the levels a rule is for, or from all; at the top it leads nowhere."""
    assert arrows(desk(Rule(key="up", when=F.level_failed, to="next"))) == {
        "l0_0 --> r0_0",
        "r0_0 --> l0_1",
        "l0_1 --> r0_1",
        "r0_1 --> l0_2",
    }
    assert arrows(desk(Rule(key="up", when=F.level_failed, to="next", at_level=("l2", "l3")))) == {
        "l0_1 --> r0_0",
        "r0_0 --> l0_2",
        "l0_2 --> r0_1",
    }
    assert arrows(desk(Rule(key="top", when=F.acknowledged, to="l3"))) == {
        "l0_0 --> r0_0",
        "l0_1 --> r0_0",
        "r0_0 --> l0_2",
    }


def test_another_track_is_entered_from_nowhere_or_from_where_the_rule_is_for():
    """The empty circle is drawn only where something starts from it."""
    tracks = (
        Track(key="support", levels=(EscalationLevel(key="s1"), EscalationLevel(key="s2"))),
        Track(
            key="management",
            levels=(EscalationLevel(key="m1", de_escalation=Checklist.of(done="Done")), EscalationLevel(key="m2")),
        ),
    )
    failed = F.level_failed

    def drawn(**fields) -> set[str]:
        return arrows(desk(Rule(key="r", when=failed, **fields), tracks=tracks)) - {"l1_0 -.-> xl1_0"}

    assert drawn(to="next", track="management") == {"n1 --> r0_0", "r0_0 --> l1_0", "l1_0 --> r0_1", "r0_1 --> l1_1"}
    assert drawn(to="m2") == {"n1 --> r0_0", "l1_0 --> r0_0", "r0_0 --> l1_1"}
    assert drawn(to="m1", at_level="s2") == {"l0_1 --> r0_0", "r0_0 --> l1_0"}
    assert drawn(to="next", at_level="m1") == {"l1_0 --> r0_0", "r0_0 --> l1_1"}
    assert drawn(to="next", at_level=("s1", "m1")) == {"l0_0 --> r0_0", "r0_0 --> l0_1"}
    assert drawn(to="next", track="management", at_level="s1") == drawn(to="next", track="management")
    text = views.mermaid(desk(Rule(key="r", when=failed, to="m1", at_level="s2"), tracks=tracks))
    assert "n1" not in text
    assert "    n1(( ))" in views.mermaid(desk(Rule(key="r", when=failed, to="m2"), tracks=tracks))


def test_what_leads_nowhere_stands_beside():
    """The policy's targets and the rules for every level in one column; a rule for some levels at those."""
    policy = desk(
        Rule(key="tell", when=F.acknowledged, then=A.Notify("boss")),
        Rule(key="here", when=F.acknowledged, then=A.Notify("boss"), at_level="l2"),
        targets=Target.resolution("8 business hours"),
    )
    text = views.mermaid(policy)
    beside = text[text.index("subgraph anywhere") :]
    assert "<b>tell</b>" in beside
    assert "targets ~~~ r0" in beside
    assert "resolution: within 8 business hours" in beside
    assert arrows(policy) == {"l0_1 --> r1_0"}
    assert "anywhere" not in views.mermaid(desk())


def test_a_level_tells_what_is_owed_there_and_by_whom():
    """Owner, stand-ins, circle, work, targets, actions on entry, how long it stays."""
    made = EscalationLevel(
        key="l1",
        title="First",
        owner=Pick(by="priority", values={"high": "ann"}, otherwise="bob"),
        alternates="cem",
        if_nobody="hold",
        counterparts={"technical": ("rep", "theirs")},
        work=Checklist.of(Item("read")),
        targets=(
            Target.update("1 business day", use_agreed_interval=True),
            Target.contact(Pick(by="priority", values={"high": None})),
        ),
        on_entry=A.Notify("boss", sender="ann", message="here"),
        min_stay="1 business day",
    )
    policy = desk(
        levels=(made, EscalationLevel(key="l2", owner="d", if_nobody="skip"), EscalationLevel(key="l3", external=True))
    )
    first, second, third = lines(policy)[2:]
    assert first == (
        'l0_0["<b>First</b><br/>owner: by priority ann, bob, else cem; held until on duty'
        "<br/>talk: rep with theirs (technical)<br/>owes: read<br/>update: within 1 business day, or as agreed,"
        ' again and again<br/>contact: within none<br/>on entry: ann tells boss: here<br/>stays for 1 business day"]'
    )
    assert second == 'l0_1["<b>l2</b><br/>owner: d; else the next level"]'
    assert third == 'l0_2["<b>l3</b><br/>outside the process"]'


def test_every_action_has_its_words():
    """One rule that asks for everything; a target without a span says so."""
    actions = (
        A.Notify(("a", "b")),
        A.Ask("c", item="impact"),
        A.Redirect(("phone", "email")),
        A.RaisePriority("next"),
        A.Assign("d", as_role="contact"),
        A.Convene(kind="kick_off", roles="e"),
        A.Tag("soon"),
    )
    policy = desk(Rule(key="r", when=F.acknowledged, then=actions), targets=Target.resolution(None))
    text = views.mermaid(policy)
    for words in (
        "tell a, b",
        "ask c for: impact",
        "point to phone, email",
        "priority to next",
        "assign d as contact",
        "call together (kick_off): e",
        "flag: soon",
        "resolution: within none",
    ):
        assert f"<br/>{words}" in text


def test_signs_of_mermaids_own_are_told_as_entities():
    """Names may hold quotes, brackets, tags, hashes, ampersands and backticks; too long a text is cut short."""
    policy = desk(Rule(key='say "no" & <b>#1`', when=F.happened(E.CallHeld.like(kind="x" * 300)), then=A.Tag("f")))
    (label,) = [line for line in lines(policy) if line.startswith("r0")]
    assert "<b>say #34;no#34; #38; #60;b#62;#35;1#96;</b>" in label
    assert label.endswith('…<br/>flag: f")')
    assert len(label) < 300
