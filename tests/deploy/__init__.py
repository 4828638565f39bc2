"""Tests of deploy/: what it writes and what its scripts do."""
