"""What every test may use."""

from hypothesis import settings

pytest_plugins = ["tests.servers.fixtures"]

# How long an example takes says more about the machine than about the code: the tests that care for time measure it.
settings.register_profile("aryk", deadline=None)
settings.load_profile("aryk")
