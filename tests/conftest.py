"""Hypothesis profiles: `default` for every run, `thorough` for the numbers that the documentation promises."""

from hypothesis import HealthCheck, settings

slow_is_fine = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
settings.register_profile("default", max_examples=200, deadline=None, suppress_health_check=slow_is_fine)
settings.register_profile("thorough", max_examples=2_000, deadline=None, suppress_health_check=slow_is_fine)
settings.load_profile("default")
