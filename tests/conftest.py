"""Settings of all tests: hypothesis has no time limits, so a busy machine fails no test."""

from hypothesis import HealthCheck, settings

# No test is about the time that something takes.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
