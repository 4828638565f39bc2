"""Hypothesis without deadlines: the machine's other guests must not fail a test of arithmetic."""

from hypothesis import settings

settings.register_profile("aryk", deadline=None)
settings.load_profile("aryk")
