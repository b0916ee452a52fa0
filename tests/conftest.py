"""What holds for all tests: property tests draw the same examples on every machine."""

import os

from hypothesis import settings

# Nobody's own keyring is asked.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
settings.register_profile("apo", deadline=None, derandomize=True)
settings.load_profile("apo")
