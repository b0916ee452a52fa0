"""What holds for all tests: property tests draw the same examples on every machine."""

from hypothesis import settings

settings.register_profile("apo", deadline=None, derandomize=True)
settings.load_profile("apo")
