"""Quality flags of a reading: QARTOD's five (IOOS, Manual for Real-Time Quality Control, v2.1)."""

from enum import IntEnum


class Flag(IntEnum):
    """What is known of a reading's quality. A missing reading has no value; a suspect one is stored and shown."""

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


FLAG_VALUES = frozenset(int(flag) for flag in Flag)
