"""Noise as a function of time, drawn by hashing instead of by a generator's state, and rounding to an instrument's step."""

from functools import lru_cache
from math import cos, exp, floor, log, pi, sqrt

_MASK = (1 << 64) - 1
_AR1_BLOCK = 128
"""Steps of an AR(1) series worked out at once."""
_FORGET = 28.0
"""An AR(1) series is started this many of its time constants early: exp(-28) of the start is left, less than a double holds."""


def mix(seed: int, number: int) -> int:
    """64 well-mixed bits from a seed and a number (Steele, Lea and Flood 2014: the finaliser of SplitMix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03 + 0x8CB92BA72F3D8DD7) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


@lru_cache(maxsize=1024)
def stream(seed: int, name: str) -> int:
    """A seed of its own for everything that has a name."""
    for char in name.encode():
        seed = mix(seed, char)
    return seed


def uniform(seed: int, number: int, low: float = 0.0, high: float = 1.0) -> float:
    """The number's own draw between low and high."""
    return low + (high - low) * (mix(seed, number) >> 11) * (1.0 / (1 << 53))


def gauss(seed: int, number: int) -> float:
    """The number's own draw from the standard normal distribution (Box and Muller 1958)."""
    bits = mix(seed, number)
    radius = sqrt(-2.0 * log(((bits >> 32) + 1) * (1.0 / (1 << 32))))
    return radius * cos(2.0 * pi * (bits & 0xFFFFFFFF) * (1.0 / (1 << 32)))


def lattice(seed: int, t: float, step_s: float) -> float:
    """A smooth curve between -1 and 1: a uniform draw at every multiple of the step, and its slope is zero there."""
    place = t / step_s
    n = floor(place)
    x = place - n
    left = _node(seed, n)
    return left + (_node(seed, n + 1) - left) * x * x * (3.0 - 2.0 * x)


@lru_cache(maxsize=4096)
def _node(seed: int, n: int) -> float:
    return uniform(seed, n, -1.0, 1.0)


def waves(seed: int, t: float, step_s: float) -> float:
    """Waves of standard deviation near 1: normal draws at every multiple of the step, joined by straight lines."""
    place = t / step_s
    n = floor(place)
    x = place - n
    # Straight lines between independent draws have a mean variance of 2/3.
    return (gauss(seed, n) * (1.0 - x) + gauss(seed, n + 1) * x) * 1.2247448713915890


@lru_cache(maxsize=256)
def _ar1_block(seed: int, phi: float, block: int) -> list[float]:
    """The steps of one block and the first of the next; started so early that the start is forgotten."""
    first = block * _AR1_BLOCK
    early = int(_FORGET / -log(phi)) + 1
    spread = sqrt(1.0 - phi * phi)
    x = 0.0
    out = []
    for n in range(first - early, first + _AR1_BLOCK + 1):
        x = phi * x + spread * gauss(seed, n)
        if n >= first:
            out.append(x)
    return out


def ar1(seed: int, t: float, step_s: float, tau_s: float) -> float:
    """An AR(1) series of standard deviation 1 and time constant tau, joined by straight lines. tau >= step."""
    place = t / step_s
    n = floor(place)
    x = place - n
    block, at = divmod(n, _AR1_BLOCK)
    values = _ar1_block(seed, exp(-step_s / tau_s), block)
    return values[at] * (1.0 - x) + values[at + 1] * x


def quantised(value: float, step: float) -> float:
    """The nearest multiple of the instrument's step."""
    return round(value / step) * step
