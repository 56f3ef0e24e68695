"""Settings of all tests: hypothesis must not mind how busy the machine is."""

from hypothesis import HealthCheck, settings

# How long something takes is never what a test is about.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
