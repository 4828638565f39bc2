"""How long to wait before the next attempt: exponential, bounded, jittered. Pure."""

FIRST_S = 0.5
LONGEST_S = 30.0
"""Short enough that an operator sees the link come back while still looking."""


def backoff_s(failures: int, jitter: float, *, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> float:
    """Seconds to wait after this many failures in a row (1 or more); `jitter` is a random number from 0 to 1.

    Between half and the whole of the exponential step, so that thousands that failed together don't return together.
    """
    step = min(longest_s, first_s * 2.0 ** min(failures - 1, 30))
    return float(step * (0.5 + 0.5 * jitter))
