from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.certificates import Certificate, judge, read_certificate, read_certificates
from doctor.checks import Level, Name
from tests.doctor.certificates import Authority

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def certificate(days: float, begins: float = -10.0) -> Certificate:
    return Certificate("broker", NOW + timedelta(days=begins), NOW + timedelta(days=days))


def test_a_certificate_is_read_as_openssl_wrote_it(tmp_path: Path) -> None:
    pair = Authority(tmp_path).sign("gw-1", 10)
    (one,) = read_certificates(pair.cert.read_text())
    assert one.common_name == "gw-1"
    assert 9.9 < one.days_left(datetime.now(UTC)) < 10.1


def test_years_after_2049_have_four_digits(tmp_path: Path) -> None:
    (one,) = read_certificates(Authority(tmp_path).sign("gw-1", 40 * 365).cert.read_text())
    assert one.not_after.year > 2060


def test_a_chain_has_all_its_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    text = authority.sign("gw-1").cert.read_text() + authority.ca.read_text()
    assert [one.common_name for one in read_certificates(text)] == ["gw-1", "test authority"]


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_said_so(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a certificate"):
        read_certificate(data)


def test_a_text_without_a_certificate_is_said_so() -> None:
    with pytest.raises(ValueError, match="no certificate"):
        read_certificates("hello")


@pytest.mark.parametrize(
    ("one", "level", "said"),
    [
        (certificate(365), Level.OK, "365 more days, until 2027-11-23"),
        (certificate(10), Level.WARN, "10 more days"),
        (certificate(-3), Level.FAIL, "expired on 2026-11-20, 3 days ago"),
        (certificate(30, begins=1), Level.FAIL, "valid only from 2026-11-24"),
    ],
)
def test_days_left(one: Certificate, level: Level, said: str) -> None:
    check = judge(Name.TLS, "the certificate", one, NOW, "renew it")
    assert check.level is level
    assert said in check.says
    assert (check.mend == "") == (level is Level.OK)
