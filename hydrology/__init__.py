"""The water: station registry, ratings, structures, storage, quality tests, accounting. Pure but for load.py."""
