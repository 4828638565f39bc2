"""How many segments a rating needs: one to three are fitted, the least BIC of the plausible is taken. Extra `fitting`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any

from hydrology.fitting import Fit, FittingError, fit_rating

MOST_SEGMENTS = 3
LEAST_B, MOST_B = 1.0, 3.5
MOST_SPAN_M = 30.0
"""No river's gaugings span more (our rule): centimetres without their name do."""
PARAMETERS = 3
"""Of each segment: a, e and b of the first; the break, e and b of the others."""


def bic(fit: Fit) -> float:
    """Bayesian information criterion of a fit, `n ln(SS/n) + p ln n`; the lower the better."""
    n = len(fit.stages_m)
    square = fit.rms_ln**2
    return -inf if square < 1e-24 else n * log(square) + PARAMETERS * len(fit.rating.segments) * log(n)


@dataclass(frozen=True, slots=True)
class Choice:
    """The fits that the gaugings carry, by number of segments, and the one that is taken."""

    fits: tuple[Fit, ...]
    chosen: Fit


def is_plausible(fit: Fit) -> bool:
    """Whether all exponents are a control's: 1.3 to 1.8 a channel, 1.5 a section, 2.5 a V; 1 to 3.5 leaves room."""
    return all(LEAST_B <= part.b <= MOST_B for part in fit.rating.segments)


def choose_fit(stages_m: Sequence[float], flows_m3s: Sequence[float], name: str = "") -> Choice:
    """Fit one to three segments and take the least BIC of those whose exponents are plausible; of equals the fewer segments.

    Raises FittingError where not even one can be fitted, ImportError without SciPy.
    """
    fits = [fit_rating(stages_m, flows_m3s, 1, name)]
    for segments in range(2, MOST_SEGMENTS + 1):
        try:
            fits.append(fit_rating(stages_m, flows_m3s, segments, name))
        except FittingError:
            break
    return Choice(tuple(fits), min(filter(is_plausible, fits), key=bic, default=min(fits, key=bic)))


def _span_m(fit: Fit) -> float:
    return fit.stages_m[-1] - fit.stages_m[0]


def doubts(fit: Fit) -> list[str]:
    """Why a rating should not be written from a fit as it is; empty where nothing speaks against it."""
    tests = fit.tests
    found = (
        (is_plausible(fit), f"an exponent is not between {LEAST_B:g} and {MOST_B:g}"),
        (tests.bias_ok, f"bias {tests.bias_pct:+.2f} %"),
        (tests.signs_ok, f"{tests.above} gaugings above the curve, {tests.below} below"),
        (tests.runs_ok, f"{_runs_words(fit)} (runs)"),
        (_span_m(fit) <= MOST_SPAN_M, f"the stages span {_span_m(fit):.4g} m: are they in m?"),
    )
    return [words for good, words in found if not good]


def fit_facts(fit: Fit) -> list[tuple[str, str]]:
    """A fit in lines of a name and a value."""
    parts = fit.rating.segments
    facts = [
        (
            "gaugings",
            f"{len(fit.stages_m)}, stage {fit.stages_m[0]:g} to {fit.stages_m[-1]:g} m, "
            f"flow {min(fit.flows_m3s):g} to {max(fit.flows_m3s):g} m3/s",
        )
    ]
    for at, part in enumerate(parts):
        start = f", from {part.start_m:.3f} m" if at else ""
        facts.append((f"segment {at + 1}", f"Q = {part.a:.4g} (h {-part.e_m:+.4f})^{part.b:.4f}{start}"))
    if not is_plausible(fit):
        facts.append(
            ("exponents", f"not between {LEAST_B:g} and {MOST_B:g}: no control that we know, try fewer segments")
        )
    if _span_m(fit) > MOST_SPAN_M:
        facts.append(("stages", f"they span {_span_m(fit):.4g} m: are they in m? See --stage-unit"))
    tests = fit.tests
    facts += [
        (
            "std. error",
            f"{100 * fit.standard_error_ln:.2f} % of Q (residuals of ln Q, {len(fit.stages_m)} - {3 * len(parts)})",
        ),
        ("95 %", f"{fit.uncertainty_pct:.1f} % about the curve"),
        ("bias", f"{tests.bias_pct:+.2f} %, {_good(tests.bias_ok)}"),
        ("signs", f"{tests.above} gaugings above, {tests.below} below, {_good(tests.signs_ok)}"),
        ("runs", f"{tests.runs}, {_good(tests.runs_ok, _runs_words(fit))}"),
    ]
    return facts


def _good(passed: bool, otherwise: str = "not as chance has it") -> str:
    return "good" if passed else otherwise


def _runs_words(fit: Fit) -> str:
    """What a failed runs test means: too few and too many are different troubles."""
    return "the gaugings alternate about the curve" if fit.tests.too_many_runs else "a bend is not followed"


def residuals_pct(fit: Fit) -> list[float]:
    """Measured over rated less one, in %, in the order of the stages."""
    return [100 * (exp(residual) - 1) for residual in fit.residuals_ln]


def fit_document(fit: Fit) -> dict[str, Any]:
    """A fit as JSON has it."""
    return {
        "segments": [
            {"a": part.a, "e_m": part.e_m, "b": part.b, "start_m": part.start_m if at else None}
            for at, part in enumerate(fit.rating.segments)
        ],
        "gaugings": len(fit.stages_m),
        "low_m": fit.stages_m[0],
        "high_m": fit.stages_m[-1],
        "max_gauged_m3s": max(fit.flows_m3s),
        "standard_error_pct": 100 * fit.standard_error_ln,
        "uncertainty_pct": fit.uncertainty_pct,
        "bias_pct": fit.tests.bias_pct,
        "tests": {"bias": fit.tests.bias_ok, "signs": fit.tests.signs_ok, "runs": fit.tests.runs_ok},
        "bic": None if bic(fit) == -inf else bic(fit),
        "residuals": [
            {"stage_m": stage, "flow_m3s": flow, "percent": percent}
            for stage, flow, percent in zip(fit.stages_m, fit.flows_m3s, residuals_pct(fit), strict=True)
        ],
    }


def fit_toml(fit: Fit, effective_from: str) -> str:
    """A fit as the table of a station's file."""
    # A JSON text is a TOML text: a name may have quotes in it.
    name = [f"name = {json.dumps(fit.rating.name, ensure_ascii=False)}"] if fit.rating.name else []
    lines = ["[[ratings]]", *name]
    lines += [
        f"effective_from = {effective_from}",
        f"low_m = {fit.stages_m[0]:.10g}",
        f"high_m = {fit.stages_m[-1]:.10g}",
        f"max_gauged_m3s = {max(fit.flows_m3s):.10g}",
        f"standard_error_pct = {100 * fit.standard_error_ln:.2f}",
        "segments = [",
    ]
    for at, part in enumerate(fit.rating.segments):
        start = f", start_m = {part.start_m:.8g}" if at else ""
        lines.append(f"    {{ a = {part.a:.8g}, e_m = {part.e_m:.8g}, b = {part.b:.8g}{start} }},")
    return "\n".join([*lines, "]"]) + "\n"
