"""What every test may use."""

import os

from hypothesis import settings

pytest_plugins = ["tests.servers.fixtures"]

# How long an example takes says more about the machine than about the code: the tests that care for time measure it.
settings.register_profile("desk", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
