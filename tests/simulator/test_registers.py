import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.registers import RegisterType, decode
from simulator.registers import Form, NumberType, WordOrder

ORDERS = st.sampled_from(("big", "little"))


@given(st.sampled_from(("int16", "uint16", "int32", "uint32")), ORDERS, st.integers(0, 30_000))
def test_whole_numbers_read_back(kind: NumberType, order: WordOrder, number: int) -> None:
    form = Form(kind, scale=0.01, offset=-10.0, word_order=order)
    assert form.number(form.value(number)) == number
    assert form.decode(form.encode(number)) == number


@given(ORDERS, st.floats(min_value=-1e6, max_value=1e6, width=32))
def test_floats_read_back(order: WordOrder, number: float) -> None:
    form = Form("float32", word_order=order)
    assert form.decode(form.encode(form.number(number))) == form.number(number)


@given(st.sampled_from(("int16", "uint16", "int32", "uint32", "float32", "float64")), ORDERS, st.integers(0, 30_000))
def test_the_gateway_reads_the_number_that_the_ledger_has(kind: NumberType, order: WordOrder, thousandths: int) -> None:
    form = Form(kind, word_order=order)
    number = form.number(thousandths / 1000.0 if kind.startswith("float") else thousandths)
    data = form.encode(number)
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    assert len(words) == form.words
    assert decode(words, RegisterType(kind), order) == number


def test_a_scaled_value_has_no_binary_noise() -> None:
    assert Form("uint16", scale=0.001).value(1235) == 1.235
    assert Form("uint16", scale=0.01).value(57) == 0.57


@pytest.mark.parametrize(("kind", "value"), [("uint16", -0.1), ("uint16", 70.0), ("int16", 40.0), ("uint32", 5e9)])
def test_what_does_not_fit_is_an_error(kind: NumberType, value: float) -> None:
    with pytest.raises(OverflowError):
        Form(kind, scale=0.001).number(value)
