from dashboards.warn.check import check
from hydrology.cap import to_xml
from tests.hydrology.test_cap import draft

GOOD = to_xml(draft())


def test_a_good_one_has_no_faults() -> None:
    found = check(GOOD)
    assert found.faults == ()
    assert found.read is not None
    assert found.read.alert == draft()


def test_what_the_schema_says_comes_first() -> None:
    faults = check(GOOD.replace(b"<severity>Extreme<", b"<severity>Bad<")).faults
    assert faults[0].startswith("schema: ")
    assert "info 1/severity is 'Bad': one of Extreme" in faults[1]


def test_what_the_schema_does_not_know_is_found() -> None:
    open_polygon = GOOD.replace(b"52.00000,52.00000 51.00000,51.00000<", b"52.00000,52.00000 53.00000,53.00000<")
    assert any("polygon" in fault for fault in check(open_polygon).faults)
    update = GOOD.replace(b"<msgType>Alert<", b"<msgType>Update<")
    assert check(update).faults == ("Update needs references",)


def test_what_is_no_alert_is_refused_in_words() -> None:
    for hostile in (b"", b"not xml", b"<a/>", b"\xff\xfe\x00", GOOD[:400]):
        found = check(hostile)
        assert found.read is None
        assert found.faults
