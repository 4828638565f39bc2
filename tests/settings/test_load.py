"""Configuration from a file and the environment; every fault names file, line, key and the mend."""

import traceback
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from settings import FaultError, SettingsError, load, load_text, parse_duration_s
from settings.broker import BrokerSettings
from store.settings import StoreSettings

Duration = Annotated[float, BeforeValidator(parse_duration_s), Field(gt=0)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sensor(Table):
    id: str
    register_: Annotated[int, Field(alias="register", ge=0)] = 0


class Device(Table):
    id: str
    interval: Duration = 60.0
    sensors: list[Sensor] = []


class Role(Table):
    id: str = "gw-1"
    mode: Literal["a", "b"] = "a"
    count: int = 1
    on: bool = False
    name: str = ""
    names: list[str] = []
    path: Path | None = None
    password: SecretStr | None = None
    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings | None = None
    devices: list[Device] = []

    @model_validator(mode="after")
    def _unique(self) -> Self:
        faults: list[tuple[tuple[str | int, ...], str]] = []
        seen: set[str] = set()
        for at, device in enumerate(self.devices):
            if device.id in seen:
                faults.append((("devices", at, "id"), f"two devices are called {device.id!r}"))
            seen.add(device.id)
        if faults:
            raise FaultError(*faults)
        return self


def faults(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_text(Role, text, "role.toml", env_prefix="ARYK_ROLE", environ=environ or {})
    return str(caught.value).split("\n")


def from_env(**values: str) -> Role:
    return load_text(
        Role, "", env_prefix="ARYK_ROLE", environ={f"ARYK_ROLE__{name}": value for name, value in values.items()}
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cuont = 3", ["role.toml:1: cuont: this key is not known (did you mean 'count'?)"]),
        ("\n[broker]\nprot = 1", ["role.toml:3: broker.prot: this key is not known (did you mean 'port'?)"]),
        ("[zzz]", None),
        (
            "[[devices]]\nid = 'a'\n[[devices]]\ninterval = '5s'",
            ["role.toml:3: devices[1].id: this key is missing (add it under [devices[1]])"],
        ),
        ("[[devices]]\nid = 'a'\ninterval = 'soon'", None),
        (
            "[[devices]]\nid = 'a'\ninterval = 0",
            ["role.toml:3: devices[0].interval: input should be greater than 0 (it is 0)"],
        ),
        (
            "[[devices]]\nid = 'a'\nsensors = [\n {id = 'x'},\n {id = 'y', register = -1}]",
            ["role.toml:5: devices[0].sensors[1].register: input should be greater than or equal to 0 (it is -1)"],
        ),
        (
            "[[devices]]\nid = 'a'\nsensors = [{id = 'x', registre = 1}]",
            ["role.toml:3: devices[0].sensors[0].registre: this key is not known (did you mean 'register'?)"],
        ),
        ("mode = 'c'", ["role.toml:1: mode: input should be 'a' or 'b' (it is 'c')"]),
        ("devices = 5", ["role.toml:1: devices: input should be a valid list (it is 5)"]),
        ("[broker]\nport = 'many'", None),
        (
            "[broker]\nport = 70000",
            ["role.toml:2: broker.port: input should be less than or equal to 65535 (it is 70000)"],
        ),
        (
            "[[devices]]\nid = 'a'\n[[devices]]\nid = 'b'\n[[devices]]\nid = 'a'",
            ["role.toml:6: devices[2].id: two devices are called 'a'"],
        ),
        (
            "[broker]\npassword = 'x'\npassword_file = 'y'",
            ["role.toml:1: broker: give password or password_file, not both"],
        ),
        ("count = 'x'\nmode = 'c'\nwhat = 1", None),
        ("[store]\nkind = 'sqlit'", None),
        ("[store]\npath = 'x'", None),
        (
            "[store]\nkind = 'influxdb'\ntimout_s = 5",
            ["role.toml:3: store.timout_s: this key is not known (did you mean 'timeout_s'?)"],
        ),
    ],
)
def test_a_fault_names_file_line_key_and_mend(text: str, expected: list[str] | None) -> None:
    found = faults(text)
    if expected is not None:
        assert found == expected
    assert all(line.startswith("role.toml:") and line[10].isdigit() for line in found)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = faults("count = 'x'\nmode = 'c'\nwhat = 1\n")
    assert [line.split(": ")[1] for line in found] == ["mode", "count", "what"] or len(found) == 3


def test_an_unlike_key_gets_the_list_of_known_ones() -> None:
    (line,) = faults("[broker]\nzzzzzzzz = 1")
    assert "known here: host, keepalive_s, others, password, password_file, port, tls, username" in line


def test_several_faults_below_a_validator() -> None:
    ids = "\n".join(f"[[devices]]\nid = 'a' # {n}" for n in range(3))
    assert [line.split(": ")[0] for line in faults(ids)] == ["role.toml:4", "role.toml:6"]


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = ", 1), ("\n\n[x", 3), ("a = 1\na = 2", 2), ("ключ = 1", 1), ('a = "x', 1)],
)
def test_what_is_no_toml_names_its_line(text: str, line: int) -> None:
    (said,) = faults(text)
    assert said.startswith("role.toml")
    assert "not TOML" in said
    assert f"role.toml:{line}:" in said or "end of document" in said


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        load(Role, tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(Role, tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(SettingsError, match=r"latin\.toml:1: is not UTF-8 text"):
        load(Role, tmp_path / "latin.toml")
    (tmp_path / "good.toml").write_text('name = "é"', encoding="utf-8")
    assert load(Role, tmp_path / "good.toml").name == "é"


def test_the_environment_goes_over_the_file() -> None:
    role = load_text(
        Role,
        'name = "file"\ncount = 1\n[broker]\nhost = "file"\nport = 1',
        env_prefix="ARYK_ROLE",
        environ={
            "ARYK_ROLE__COUNT": "7",
            "ARYK_ROLE__BROKER__PORT": "1884",
            "ARYK_ROLE_OTHER": "x",
            "ARYK_ROLEX__NAME": "x",
        },
    )
    assert (role.name, role.count, role.broker.host, role.broker.port) == ("file", 7, "file", 1884)


def test_values_of_the_environment_have_the_type_of_their_key() -> None:
    role = from_env(ON="true", COUNT="3", NAMES='["a", "b"]', NAME="true", PATH="5", ID="007", STORE__KIND="influxdb")
    assert (role.on, role.count, role.names, role.name, role.path, role.id) == (
        True,
        3,
        ["a", "b"],
        "true",
        Path("5"),
        "007",
    )
    assert from_env(NAME="12.50").name == "12.50"
    assert from_env(NAME="[x]").name == "[x]"
    assert from_env(NAME='"in quotes"').name == '"in quotes"'


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_any_text_of_the_environment_is_the_text_of_a_text_key(text: str) -> None:
    role = from_env(NAME=text, PASSWORD=text)
    assert role.name == text
    assert role.password is not None
    assert role.password.get_secret_value() == text


def test_a_fault_of_the_environment_names_the_variable() -> None:
    found = faults("[broker]\nport = 1", {"ARYK_ROLE__BROKER__PORT": "many", "ARYK_ROLE__BROKR__HOST": "x"})
    assert found == [
        "environment variable ARYK_ROLE__BROKER__PORT: broker.port: input should be a valid integer, unable to parse string"
        " as an integer (it is 'many')",
        "environment variable ARYK_ROLE__BROKR__HOST: brokr: this key is not known (did you mean 'broker'?)",
    ] or sorted(line.split(":")[0] for line in found) == [
        "environment variable ARYK_ROLE__BROKER__PORT",
        "environment variable ARYK_ROLE__BROKR__HOST",
    ]


def test_the_environment_cannot_go_into_what_is_no_table() -> None:
    (line,) = faults("name = 'x'", {"ARYK_ROLE__NAME__INNER": "1"})
    assert line == "environment variable ARYK_ROLE__NAME__INNER: name is not a table"


SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        (f"password = ['{SECRET}']", {}),
        (f"password = {{ x = '{SECRET}' }}", {}),
        ("password = 53217", {}),
        (f"[broker]\npassword = ['{SECRET}']", {}),
        (f"[store]\nkind = 'influxdb'\ntoken = ['{SECRET}']", {}),
        (f"[store]\nkind = 'influx'\ntoken = '{SECRET}'", {}),
        (f"[store]\ntoken = '{SECRET}'", {}),
        (f"store = ['{SECRET}']", {}),
        (f"[broker]\npassword = '{SECRET}'\npassword_file = 'x'", {}),
        (f"[broker]\npassword = '{SECRET}'\nport = 'x'", {}),
        (f"[broker]\npasswrd = '{SECRET}'", {}),
        (f"[[broker]]\npassword = '{SECRET}'", {}),
        (f"password = '{SECRET}", {}),
        ("count = 'x'", {"ARYK_ROLE__PASSWORD": SECRET}),
        ("", {"ARYK_ROLE__PASSWORD": f'["{SECRET}"]', "ARYK_ROLE__COUNT": "x"}),
        ("", {"ARYK_ROLE__PASWORD": SECRET}),
    ],
)
def test_a_secret_is_in_no_error(text: str, environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_text(Role, text, "role.toml", env_prefix="ARYK_ROLE", environ=environ)
    said = "".join(traceback.format_exception(caught.value))
    own = "\n".join(line for line in said.split("\n") if "parametrize" not in line)
    assert SECRET not in own
    assert "53217" not in own
    assert SECRET not in repr(caught.value.faults)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("15s", 15.0),
        ("15 s", 15.0),
        ("500ms", 0.5),
        ("10min", 600.0),
        ("10 m", 600.0),
        ("1.5h", 5400.0),
        ("7d", 604_800.0),
        (15, 15),
        (0.5, 0.5),
    ],
)
def test_durations(value: Any, seconds: float) -> None:
    assert parse_duration_s(value) == seconds
    assert Device(id="a", interval=value).interval == seconds


@pytest.mark.parametrize("value", ["15", "s", "", "1h30m", "-5s", "1e3s", "5 weeks", "five s", "٥s"])
def test_what_is_no_duration(value: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration_s(value)


@pytest.mark.parametrize("value", [True, 0, -1, float("nan"), None, []])
def test_what_is_no_length_of_time(value: Any) -> None:
    with pytest.raises(ValueError, match="interval"):
        Device(id="a", interval=value)


def test_passwords_and_tokens_from_files(tmp_path: Path) -> None:
    (tmp_path / "p").write_text(f"{SECRET}\n")
    assert BrokerSettings(password_file=tmp_path / "p").read_password() == SECRET
    assert BrokerSettings(password=SecretStr(SECRET)).read_password() == SECRET
    assert BrokerSettings().read_password() is None
    with pytest.raises(OSError, match="none"):
        BrokerSettings(password_file=tmp_path / "none").read_password()
