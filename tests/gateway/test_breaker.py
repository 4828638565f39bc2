from gateway.breaker import LONGEST_S, OPENS_AFTER, Breaker


def test_a_device_that_answers_is_always_tried() -> None:
    breaker = Breaker(2.0)
    for at in range(100):
        assert breaker.allows(float(at))
        breaker.tried(float(at), answered=at % OPENS_AFTER == 0)


def test_a_dead_device_costs_a_tenth_of_the_line() -> None:
    breaker = Breaker(2.0)
    tries = 0
    for second in range(3600):
        if breaker.allows(float(second)):
            tries += 1
            breaker.tried(float(second), answered=False)
    assert tries * 2.0 <= 0.1 * 3600 + OPENS_AFTER * 2.0


def test_it_is_noticed_when_a_device_comes_back() -> None:
    breaker = Breaker(1000.0)
    for at in range(OPENS_AFTER):
        breaker.tried(float(at), answered=False)
    assert breaker.is_open
    assert not breaker.allows(10.0)
    assert breaker.allows(LONGEST_S + OPENS_AFTER)
    breaker.tried(LONGEST_S + OPENS_AFTER, answered=True)
    assert not breaker.is_open
