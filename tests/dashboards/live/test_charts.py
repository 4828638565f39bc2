"""What is asked of a series, and CSV."""

import csv
import io
import itertools

import pytest

from dashboards.live.charts import AskedWrongError, csv_head, csv_name, csv_parts, csv_text, parse, series_json
from hydrology.registry import Registry
from store.buckets import plain, thin

NOW_MS = 1_795_424_700_000
HOUR_MS = 3_600_000
BISHKEK = [(0, 6 * 3600)]

REGISTRY = Registry.model_validate(
    {
        "districts": {"chu": {"name": "Chu", "timezone": "Asia/Bishkek"}},
        "gateways": [{"id": "gw", "district": "chu"}],
        "stations": [
            {
                "id": "gate",
                "name": "Gate",
                "district": "chu",
                "sensors": [{"id": "l", "gateway": "gw", "quantity": "level", "unit": "m", "interval": 900}],
            }
        ],
    }
)
SERIES = {"station": "gate", "quantity": "level", "sensor": "l"}


def test_without_times_it_is_the_last_day() -> None:
    asked = parse(SERIES, REGISTRY, NOW_MS)
    assert (asked.start_ms, asked.end_ms) == (NOW_MS - 24 * HOUR_MS, NOW_MS)
    assert asked.key == ("level", "gate", "l")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"station": ""}, 400),
        ({"station": "nowhere"}, 404),
        ({"quantity": "discharge"}, 404),
        ({"from": "yesterday"}, 400),
        ({"from": "1e12"}, 400),
        ({"from": "²"}, 400),
        ({"from": "-"}, 400),
        ({"from": "9" * 30}, 400),
        ({"from": str(NOW_MS), "to": str(NOW_MS)}, 400),
        ({"from": "-1", "to": "5"}, 400),
        ({"from": "0"}, 400),
        ({"points": "3"}, 400),
        ({"points": "1000000"}, 400),
    ],
)
def test_a_wrong_question_is_refused(change: dict[str, str], status: int) -> None:
    with pytest.raises(AskedWrongError) as error:
        parse({**SERIES, **change}, REGISTRY, NOW_MS)
    assert error.value.status == status


def test_thinned_history_has_its_band_and_plain_history_has_none() -> None:
    asked = parse(SERIES, REGISTRY, NOW_MS)
    rows = [(NOW_MS, 1.0, 1), (NOW_MS + 1, 3.0, 3)]
    assert series_json(asked, plain(rows))["low"] is None
    thinned = series_json(asked, thin(rows, 60_000))
    assert (thinned["low"], thinned["high"], thinned["value"], thinned["flag"]) == ([1.0], [3.0], [2.0], [3])


def test_csv_has_both_times_and_leaves_a_missing_value_empty() -> None:
    asked = parse(SERIES, REGISTRY, NOW_MS)
    text = csv_head() + csv_text(asked, plain([(NOW_MS, 1.25, 1), (NOW_MS + 900_000, None, 9)]), BISHKEK)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["time_utc"] == "2026-11-23T09:05:00.000Z"
    assert rows[0]["time_local"] == "2026-11-23T15:05:00+06:00"
    assert (rows[0]["value"], rows[0]["unit"], rows[0]["flag"]) == ("1.25", "m", "1")
    assert (rows[1]["value"], rows[1]["flag"]) == ("", "9")


def test_csv_parts_cover_the_range_without_overlap() -> None:
    asked = parse({**SERIES, "from": str(NOW_MS - 300 * 24 * HOUR_MS), "to": str(NOW_MS)}, REGISTRY, NOW_MS)
    parts = list(csv_parts(asked))
    assert parts[0][0] == asked.start_ms
    assert parts[-1][1] == asked.end_ms
    assert all(one[1] == later[0] for one, later in itertools.pairwise(parts))
    assert len(parts) > 1


def test_the_csv_files_name_has_the_days_of_the_station() -> None:
    asked = parse({**SERIES, "from": str(NOW_MS - HOUR_MS * 10), "to": str(NOW_MS + 9 * HOUR_MS)}, REGISTRY, NOW_MS)
    assert csv_name(asked, BISHKEK) == "gate_level_2026-11-23_2026-11-24.csv"
