from ingest.commands import Commands


def test_first_in_first_out_and_known_by_topic() -> None:
    commands = Commands()
    assert not commands
    assert commands.add("a", b"1")
    assert commands.add("b", b"2")
    assert commands.add("a", b"3")
    assert commands.waits_for("a")
    assert not commands.waits_for("c")
    assert [commands.take(), commands.take()] == [("a", b"1"), ("b", b"2")]
    assert commands.waits_for("a")
    assert not commands.waits_for("b")
    assert commands.take() == ("a", b"3")
    assert not commands
    assert not commands.waits_for("a")


def test_no_more_than_there_is_room_for() -> None:
    commands = Commands(most=1)
    assert commands.add("a", b"1")
    assert not commands.add("b", b"2")
    assert not commands.waits_for("b")
