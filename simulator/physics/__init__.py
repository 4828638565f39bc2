"""Water as a function of time: seeded, deterministic, continuous. Pure: no clock, no I/O.

Times are seconds since 1970, UTC, so that history and live values of one seed hang together.
"""
