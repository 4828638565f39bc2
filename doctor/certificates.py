"""When a certificate ends and whose it is: just enough DER, as Python's ssl tells it only of certificates it trusts. Pure.

X.509 (RFC 5280, 4.1): Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serial, signature, issuer,
validity SEQUENCE { notBefore, notAfter }, subject, ... }, ... }.
"""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from doctor.checks import Check, Name, fail, ok, warn

WARN_DAYS = 30
"""A certificate is renewed by hand in many places: a month to do it in."""

_SEQUENCE, _SET, _VERSION, _OID, _UTC_TIME = 0x30, 0x31, 0xA0, 0x06, 0x17
_COMMON_NAME = bytes.fromhex("550403")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Whose it is and from when to when it is good."""

    common_name: str
    not_before: datetime
    not_after: datetime

    def days_left(self, now: datetime) -> float:
        """Days until it ends; negative when it has."""
        return (self.not_after - now).total_seconds() / 86_400


def read_certificates(pem: str) -> list[Certificate]:
    """The certificates in a PEM text, in order. Raises ValueError."""
    found = [read_certificate(ssl.PEM_cert_to_DER_cert(one)) for one in _PEM.findall(pem)]
    if not found:
        raise ValueError("no certificate in it")
    return found


def read_certificate(der: bytes) -> Certificate:
    """One certificate. Raises ValueError."""
    try:
        _, certificate, _ = _take(der)
        _, to_be_signed, _ = _take(certificate)
        parts = list(_parts(to_be_signed))
        if parts[0][0] == _VERSION:
            parts = parts[1:]
        before, after = (_time(tag, body) for tag, body in _parts(parts[3][1]))
        return Certificate(_common_name(parts[4][1]), before, after)
    except (IndexError, ValueError) as error:
        raise ValueError(f"not a certificate: {error}") from error


def judge(name: Name, whose: str, certificate: Certificate, now: datetime, mend: str, says: str = "") -> Check:
    """What its days left mean."""
    days = certificate.days_left(now)
    until = f"{certificate.not_after:%Y-%m-%d}"
    if certificate.not_before > now:
        begins = f"{certificate.not_before:%Y-%m-%d %H:%M}Z"
        return fail(name, f"{whose} is valid only from {begins}: or this clock is slow.", "check this machine's clock")
    if days < 0:
        return fail(name, f"{whose} expired on {until}, {-days:.0f} days ago.", mend)
    if days < WARN_DAYS:
        return warn(name, f"{says}{whose} is good for {days:.0f} more days, until {until}.", mend)
    return ok(name, f"{says}{whose} is good for {days:.0f} more days, until {until}.")


def _take(data: bytes) -> tuple[int, bytes, bytes]:
    """The first element: its tag, its body, and what comes after it."""
    tag, length, at = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[2 : 2 + size], "big")
        at += size
    if len(data) < at + length:
        raise ValueError("cut short")
    return tag, data[at : at + length], data[at + length :]


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        tag, body, data = _take(data)
        yield tag, body


def _time(tag: int, body: bytes) -> datetime:
    text = body.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year: 50 to 99 are the last century's
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _common_name(subject: bytes) -> str:
    for _, names in _parts(subject):
        for _, pair in _parts(names):
            (_, oid), (_, value) = _parts(pair)
            if oid == _COMMON_NAME:
                return value.decode("utf-8", errors="replace")
    return ""
