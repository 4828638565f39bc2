import pytest

from tests.servers.wait import eventually, eventually_sync


async def test_eventually_returns_the_first_truthy_value() -> None:
    values = iter([0, None, "", 7])
    assert await eventually(lambda: next(values)) == 7


async def test_eventually_takes_an_async_condition() -> None:
    values = iter([False, True])

    async def condition() -> bool:
        return next(values)

    assert await eventually(condition)


async def test_an_assertion_means_not_yet() -> None:
    values = iter([1, 2, 3])

    def condition() -> bool:
        assert next(values) == 3
        return True

    assert await eventually(condition)


async def test_eventually_says_what_it_waited_for_and_what_it_saw_last() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.01 s: rain; last: 0"):
        await eventually(lambda: 0, timeout_s=0.01, what="rain")


async def test_a_timeout_keeps_the_last_assertion_as_its_cause() -> None:
    def condition() -> bool:
        raise AssertionError("two rows are missing")

    with pytest.raises(AssertionError, match="two rows are missing") as caught:
        await eventually(condition, timeout_s=0.01)
    assert isinstance(caught.value.__cause__, AssertionError)


async def test_other_errors_come_through_at_once() -> None:
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 / 0)


def test_eventually_sync_does_the_same() -> None:
    values = iter([0, 7])
    assert eventually_sync(lambda: next(values)) == 7
    with pytest.raises(AssertionError, match="not within"):
        eventually_sync(lambda: 0, timeout_s=0.01)
