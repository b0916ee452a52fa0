"""A profile that draws much, and anew every time: pytest tests/fuzz --hypothesis-profile=long."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "long",
    max_examples=6000,
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
