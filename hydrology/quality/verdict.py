"""The verdict on one reading: a flag for each test, the mask of those that spoke, and the roll-up.

All of it is one integer (four bits a test), so that a judged reading costs eight bytes to keep and no object to make:
equal verdicts are the same object.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from wire.flags import Flag


class Check(IntEnum):
    """The tests. The number is the test's bit in the stored mask `tests` and never changes; new ones go to the end."""

    SOURCE = 0  # the flag that came with the reading (gateway: NE 43, clock, a failed read)
    FUTURE = 1
    GAP = 2
    RANGE = 3
    CLIMATE = 4
    SPIKE = 5
    RATE = 6
    FLAT = 7
    ATTENUATED = 8
    MULTIVARIATE = 9
    NEIGHBOUR = 10
    COUNTER = 11
    DOUBLED = 12  # another value came with the same time


SOURCE_FAILED = 1 << 30
"""In the stored mask: the flag that came with the reading was 4, not 3. After a restart the mask alone can tell."""
NO_VALUE = 1 << 60
"""Set in a packed verdict whose reading has no value."""
UNTOUCHED = sum(int(Flag.NOT_EVALUATED) << 4 * check for check in Check)
"""The packed verdict in which no test has run."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the tests say of one reading. `tests` is the bit mask of the tests with flag 3 or 4 (and SOURCE_FAILED)."""

    flag: Flag
    tests: int
    packed: int

    def of(self, check: Check) -> Flag:
        """The flag of one test."""
        return Flag(self.packed >> 4 * check & 15)


def roll_up(flags: Iterable[int], value_missing: bool) -> Flag:
    """One flag for many: 4 over 3 over 1 over 2; 9 exactly where the value is missing.

    Differs from ioos_qc's `qartod_compare` on purpose: there 9 is the weakest, so one passed test hides a missing value.
    Here a test's own 9 (the gap test: something is missing before this reading) never outvotes a value that is there.
    """
    if value_missing:
        return Flag.MISSING
    seen = set(flags)
    for flag in (Flag.FAIL, Flag.SUSPECT, Flag.PASS):
        if flag in seen:
            return flag
    return Flag.NOT_EVALUATED


_VERDICTS: dict[int, Verdict] = {}
MAX_VERDICTS = 65_536
"""The memory of equal verdicts is emptied when it holds this many; a fleet shows a few hundred."""


def verdict(packed: int) -> Verdict:
    """The verdict for a packed integer; the same object for the same integer, while it is remembered."""
    known = _VERDICTS.get(packed)
    if known is not None:
        return known
    flags = [packed >> 4 * check & 15 for check in Check]
    tests = sum(1 << check for check in Check if flags[check] in (3, 4))
    if flags[Check.SOURCE] == Flag.FAIL:
        tests |= SOURCE_FAILED
    made = Verdict(roll_up(flags, bool(packed & NO_VALUE)), tests, packed)
    if len(_VERDICTS) >= MAX_VERDICTS:
        _VERDICTS.clear()
    _VERDICTS[packed] = made
    return made


def with_flag(packed: int, check: int, flag: int) -> int:
    """The packed verdict with one test's flag replaced."""
    shift = 4 * check
    return packed & ~(15 << shift) | flag << shift


def source_of(flag: int, tests: int) -> int:
    """The flag that came with a reading, from what is stored of its verdict; 1 where nothing says otherwise."""
    if tests >> Check.SOURCE & 1:
        return Flag.FAIL if tests & SOURCE_FAILED else Flag.SUSPECT
    return flag if flag in (Flag.NOT_EVALUATED, Flag.MISSING) else Flag.PASS


def missing_verdict(source: int) -> Verdict:
    """The verdict on a reading without a value, outside any series."""
    return verdict(with_flag(UNTOUCHED, Check.SOURCE, source) | NO_VALUE)
