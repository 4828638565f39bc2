from simulator.devices import Faults, Late, Silent


def test_faults_befall_requests_in_turn() -> None:
    faults = Faults()
    faults.inject(Silent(), times=2)
    faults.inject(Late(1.0))
    faults.inject(Silent(), times=0)
    assert [faults.take() for _ in range(4)] == [Silent(), Silent(), Late(1.0), None]


def test_a_lasting_fault_lasts_until_cleared() -> None:
    faults = Faults()
    faults.inject(Silent(), times=None)
    assert {faults.take() for _ in range(10)} == {Silent()}
    faults.clear()
    assert faults.take() is None
