"""What is written for the Kubernetes manifests: the repository's own files, and how districts are divided."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import write_kubernetes
from deploy.write_kubernetes import districts_in, divide, documents, ingest_files, weights_of
from hydrology.load import load_registry

ROOT = Path(__file__).parents[2]


def test_the_repository_s_files_are_what_is_written() -> None:
    for path, text in documents().items():
        assert path.read_text(encoding="utf-8") == text, "run: python -m deploy.write_kubernetes"


@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 1000), max_size=20),
    st.integers(1, 6),
)
def test_every_district_has_exactly_one_ingest_and_those_that_are_there_stay(
    weights: dict[str, int],
    ingests: int,
) -> None:
    before = divide(weights, [], ingests)
    assert sorted(one for part in before for one in part) == sorted(weights)
    after = divide(weights | {"new": 5}, before, ingests + 1)
    assert sorted(one for part in after for one in part) == sorted([*weights, "new"])
    for mine, then in zip(after, before, strict=False):
        assert set(then) <= set(mine)


def test_they_are_divided_by_their_sensors() -> None:
    assert divide({"a": 100, "b": 60, "c": 50, "d": 1}, [], 2) == [["a", "d"], ["b", "c"]]
    assert divide({"a": 100, "b": 60, "c": 50}, [["c"]], 2) == [["b", "c"], ["a"]]


def test_a_district_that_is_gone_is_nobody_s() -> None:
    assert divide({"a": 1}, [["a", "gone"]], 1) == [["a"]]


def test_no_ingest_is_left_without_a_district_because_it_would_take_all() -> None:
    with pytest.raises(ValueError, match="1 districts for 2 ingests"):
        ingest_files({"a": 1}, [], 2)


def test_the_example_system_weighs_what_it_has() -> None:
    assert weights_of(load_registry(ROOT / "registry")) == {"talas": 34}


def test_an_overlay_of_one_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["write_kubernetes", *arguments])
        write_kubernetes.main()

    registry = str(write_kubernetes.EXAMPLE / "registry.toml")
    run("--registry", registry, "--ingests", "2", "--into", str(tmp_path))
    first = districts_in(tmp_path)
    assert sorted(map(len, first)) == [2, 2]
    run("--registry", registry, "--ingests", "2", "--into", str(tmp_path))
    assert districts_in(tmp_path) == first
    with pytest.raises(SystemExit, match="2"):
        run("--registry", registry, "--ingests", "1", "--into", str(tmp_path))
    with pytest.raises(SystemExit, match="none"):
        run("--registry", registry, "--ingests", "3", "--into", str(tmp_path))
