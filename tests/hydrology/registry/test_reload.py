import logging
from pathlib import Path

import pytest

from hydrology.registry import Registry
from hydrology.reload import RegistryFile
from settings import SettingsError
from settings.errors import Fault
from tests.hydrology.registry import small

MORE = small.OUT.replace('"out"', '"out2"').replace("out-level", "out2-level")


async def test_nothing_changed(tmp_path: Path) -> None:
    source = RegistryFile(small.write(tmp_path))
    source.load()
    assert await source.look() is None
    assert [station.id for station in source.registry.stations] == ["head", "out"]


async def test_a_new_station_is_swapped_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = small.write(tmp_path)
    source = RegistryFile(folder)
    source.load()
    before = source.registry
    (folder / "stations" / "out2.toml").write_text(MORE, encoding="utf-8")
    with caplog.at_level(logging.INFO):
        change = await source.look()
    assert change is not None
    assert change.registry is source.registry
    assert len(source.registry.stations) == 3
    assert len(before.stations) == 2
    assert change.words == "3 stations (1 more)"
    assert "the registry has changed: 3 stations (1 more)" in caplog.text


async def test_a_wrong_one_leaves_the_old_one_in_force(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = small.write(tmp_path)
    source = RegistryFile(folder)
    source.load()
    before = source.registry
    (folder / "stations" / "out.toml").write_text(small.OUT.replace("gw-1", "gw-7"), encoding="utf-8")
    change = await source.look()
    assert change is not None
    assert change.registry is None
    assert change.fault is source.fault is not None
    assert "there is no gateway 'gw-7'" in change.words
    assert source.registry is before
    assert "the old one stays in force" in caplog.text
    # Said once, not at each look.
    assert await source.look() is None
    small.write(tmp_path)
    mended = await source.look()
    assert mended is not None
    assert source.fault is None


async def test_a_folder_that_is_gone_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    folder = small.write(tmp_path)
    source = RegistryFile(folder)
    source.load()
    folder.rename(tmp_path / "elsewhere")
    change = await source.look()
    assert change is not None
    assert change.fault is not None
    assert len(source.registry.stations) == 2


async def test_a_role_may_refuse_a_registry_that_is_good_in_itself(tmp_path: Path) -> None:
    def acceptable(registry: Registry) -> None:
        if "north" not in registry.districts:
            raise SettingsError("ingest", [Fault(None, "districts", "the registry has no district 'north'")])

    folder = small.write(tmp_path)
    source = RegistryFile(folder, acceptable=acceptable)
    source.load()
    for file in folder.rglob("*.toml"):
        file.write_text(file.read_text(encoding="utf-8").replace("north", "south"), encoding="utf-8")
    change = await source.look()
    assert change is not None
    assert "no district 'north'" in change.words
    assert "north" in source.registry.districts


def test_a_wrong_start_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        RegistryFile(tmp_path / "none.toml").load()
