"""The compose file's configuration, and what writes a part of it."""
