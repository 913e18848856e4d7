"""A line of open time over arrays says what it says of each instant by itself."""

from __future__ import annotations

import numpy as np
import pytest

from escalation_rules import BusinessCalendar
from escalation_rules.worktime._timeline import DAY, microseconds_of
from escalation_rules.worktime.arrays import Bulk
from tests.desk import when

CALENDARS = {
    "office": BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, holidays="GB-ENG"),
    "night": BusinessCalendar("America/New_York", {"mon-sun": "22:00-06:00"}),
    "seldom": BusinessCalendar("Asia/Tokyo", {"mon": "09:00-17:00"}),
    "windows so near that marks are searched": BusinessCalendar("UTC", {"mon-fri": ["09:00-09:01", "09:02-17:00"]}),
    "always": BusinessCalendar.always(),
}


@pytest.mark.parametrize("name", CALENDARS)
@pytest.mark.parametrize("days", [30, 1_500])
def test_many_instants_are_as_each_by_itself(name, days):
    """Edges of windows among them, and later instants than were asked of before."""
    line, rng = CALENDARS[name].line, np.random.default_rng(days)
    bulk, start = Bulk(line), microseconds_of(when("mon 00:00"))
    for reach in (days // 10, days):
        hours = start + rng.integers(0, reach * 24, 200) * (DAY // 24)
        instants = np.r_[hours, hours + 1, hours - 1, start + rng.integers(0, reach * DAY, 200)]
        opened = bulk.opened(instants)
        assert opened.tolist() == [line.opened(one) for one in instants.tolist()]
        later = np.r_[opened, opened + 1, opened + rng.integers(0, 10 * DAY // 24, len(opened))]
        assert bulk.earliest(later).tolist() == [line.earliest(one) for one in later.tolist()]
        assert bulk.latest(later).tolist() == [line.latest(one) for one in later.tolist()]
