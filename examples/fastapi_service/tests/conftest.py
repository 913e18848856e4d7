"""A desk on an empty database, by default SQLite in a temporary file, with a clock that the tests move.

pytest --database=postgresql+psycopg:///desk   the same tests on PostgreSQL
pytest --browser=/usr/bin/chromium              drives the page in this browser
"""

import shutil
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.desk import Desk
from service.policy import POLICY
from service.tables import Base, connect

LONDON = ZoneInfo("Europe/London")
DAYS = {"mon": 2, "tue": 3, "wed": 4, "thu": 5, "fri": 6, "sat": 7, "sun": 8}


def pytest_addoption(parser):
    parser.addoption("--database", help="the URL of a database that the tests may empty")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    parser.addoption("--browser", default=found, help="a Chromium to drive the page in")


def when(text):
    """An instant such as `mon 09:00` in the week of 2 March 2026, or `mon+1 09:00` for a week later."""
    day, clock = text.split()
    name, _, weeks = day.partition("+")
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 3, DAYS[name], hour, minute, tzinfo=LONDON) + timedelta(weeks=int(weeks or 0))


class Clock:
    """The present, as the test has it."""

    def __init__(self):
        self.at("mon 09:00")

    def at(self, text):
        self.now = when(text)

    def __call__(self):
        return self.now


@pytest.fixture
def url(request, tmp_path):
    return request.config.getoption("--database") or f"sqlite:///{tmp_path / 'desk.sqlite3'}"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(url, clock):
    engine = connect(url)
    Base.metadata.drop_all(engine)
    desk = Desk(engine, POLICY, clock)
    desk.create_tables()
    yield desk
    engine.dispose()


@pytest.fixture
def client(desk):
    return TestClient(create_app(desk))
