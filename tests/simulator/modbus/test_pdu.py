import pytest

from simulator.modbus.pdu import ExceptionCode, Read, RefusedError, answer_read, answer_refusal, parse_read


def test_reads_of_both_tables() -> None:
    assert parse_read(b"\x03\x00\x02\x00\x0a") == Read(3, 2, 10)
    assert parse_read(b"\x04\x01\x00\x00\x7d") == Read(4, 256, 125)


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        (b"", ExceptionCode.ILLEGAL_FUNCTION),
        (b"\x06\x00\x00\x00\x01", ExceptionCode.ILLEGAL_FUNCTION),
        (b"\x03\x00", ExceptionCode.ILLEGAL_VALUE),
        (b"\x03\x00\x00\x00\x00", ExceptionCode.ILLEGAL_VALUE),
        (b"\x03\x00\x00\x00\x7e", ExceptionCode.ILLEGAL_VALUE),
    ],
)
def test_what_a_device_refuses(pdu: bytes, code: ExceptionCode) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_read(pdu)
    assert refused.value.code is code


def test_answers() -> None:
    assert answer_read(3, b"\x00\x01\x00\x02") == b"\x03\x04\x00\x01\x00\x02"
    assert answer_refusal(3, ExceptionCode.ILLEGAL_ADDRESS) == b"\x83\x02"
