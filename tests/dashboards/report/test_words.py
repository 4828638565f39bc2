import re
from pathlib import Path
from string import Formatter

import pytest

from dashboards.report import words as module
from dashboards.report.settings import Language
from dashboards.report.words import CATALOGUE, Words
from hydrology.accounting import Alarm, Deviation

FOLDER = Path(module.__file__).parent
OTHERS: list[Language] = ["ru", "kk"]


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_says_the_same(language: Language) -> None:
    assert CATALOGUE[language].keys() == CATALOGUE["en"].keys()
    for key, text in CATALOGUE["en"].items():
        assert holes(CATALOGUE[language][key]) == holes(text), key
        assert CATALOGUE[language][key].strip() == CATALOGUE[language][key]


def test_every_word_is_used_and_every_used_word_is_there() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py") if path.name != "words.py")
    made = {f"dev_{one}" for one in Deviation} | {str(one) for one in Alarm}
    indicators = {"adequacy", "efficiency", "equity", "dependability"}
    made |= indicators | {f"{one}_says" for one in indicators} | {"good", "fair", "poor"}
    made |= {"chart_plan", "chart_partly", "chart_fact"}
    asked = set(re.findall(r"""words\(\s*["'](\w+)["']""", source)) | made
    assert asked == set(CATALOGUE["en"])


def test_months_stand_beside_a_day_or_alone() -> None:
    assert Words("ru").month(7) == "июля"
    assert Words("ru").month(7, alone=True) == "июль"
    assert Words("kk").month(12) == "желтоқсан"
    with pytest.raises(KeyError):
        Words("en")("no such word")
