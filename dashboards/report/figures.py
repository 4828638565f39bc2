"""Numbers and times as they are printed: rounded, grouped, with the reader's decimal sign."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

NOTHING = "–"
MINUS = "−"
_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Figures:
    """How numbers look: the sign before the decimals, and the zone of times."""

    decimal: str
    zone: str

    def number(self, value: float | None, decimals: int, *, sign: bool = False) -> str:
        """A number with thousands apart; a dash for none. Nothing is shown as -0."""
        if value is None:
            return NOTHING
        text = f"{abs(value):,.{decimals}f}".replace(",", _SPACE).replace(".", self.decimal)
        zero = not any(digit in text for digit in "123456789")
        return text if zero else (MINUS if value < 0 else "+" if sign else "") + text

    def thousand(self, m3: float | None) -> str:
        """m3 as thousand m3."""
        return self.number(None if m3 is None else m3 / 1e3, 1)

    def million(self, m3: float | None, decimals: int = 3) -> str:
        """m3 as million m3."""
        return self.number(None if m3 is None else m3 / 1e6, decimals)

    def time(self, when: datetime) -> str:
        """Local, to the minute."""
        return when.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M")
