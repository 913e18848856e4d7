"""Hypothesis profiles.

`default` tries the same examples every time, so that what passes here passes everywhere. `explore` tries as many
others, and `thorough` ten times as many others, for the figures that the documentation promises.
"""

import os

from hypothesis import HealthCheck, settings

HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much]
settings.register_profile("explore", max_examples=200, deadline=None, suppress_health_check=HEALTH)
settings.register_profile("default", settings.get_profile("explore"), derandomize=True, database=None)
settings.register_profile("thorough", max_examples=2_000, deadline=None, suppress_health_check=HEALTH)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
