"""What Aryk costs and carries, measured; no benchmark decides a test. `make bench` runs the ones with a goal."""
