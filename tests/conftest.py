"""Hypothesis profiles, and the marker of the tests that are too slow for everyday work.

`default` tries the same examples every time, so that what passes here passes everywhere. `explore` tries as many
others, and `thorough` ten times as many others, for the figures that the documentation promises.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much]
settings.register_profile("explore", max_examples=200, deadline=None, suppress_health_check=HEALTH)
settings.register_profile("default", settings.get_profile("explore"), derandomize=True, database=None)
settings.register_profile("unshrunk", settings.get_profile("default"), phases=(Phase.explicit, Phase.generate))
settings.register_profile("thorough", max_examples=2_000, deadline=None, suppress_health_check=HEALTH)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

HERE = Path(__file__).parent
LAWS = (HERE / "laws", HERE / "oracle")
"""Folders whose tests draw many policies and cases: all of them carry the marker `law`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in these folders, before pytest selects by marker."""
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in LAWS):
            item.add_marker("law")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let an idle process take tests from a busy one: a single law takes a dozen seconds."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture(scope="module")
def fewer_examples() -> Iterator[None]:
    """A quarter of the profile's examples, for modules that try every promise one by one."""
    usual = settings.default
    settings.register_profile("a quarter", usual, max_examples=usual.max_examples // 4)
    settings.load_profile("a quarter")
    yield
    settings.register_profile("as before", usual)
    settings.load_profile("as before")
