"""A picture of a fitted rating with its gaugings and residuals, as bytes. Matplotlib is imported on use."""

from io import BytesIO
from math import exp
from typing import Any, Literal

from hydrology.fitting import Fit

_POINTS = 200


def plot_fit(fit: Fit, kind: Literal["png", "svg"] = "png") -> bytes:
    """Rating (both axes logarithmic, depth over the first e) above, residuals in % below.

    Raises ImportError without the extra `fitting`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure = Figure(figsize=(7, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots(2, 1, height_ratios=(3, 1))
    rating, below = axes
    e = fit.rating.segments[0].e_m
    low, high = fit.stages_m[0], fit.stages_m[-1]
    stages = [low + (high - low) * k / (_POINTS - 1) for k in range(_POINTS)]
    rating.plot([fit.rating.flow_m3s(stage) for stage in stages], [stage - e for stage in stages], color="tab:blue")
    rating.plot(fit.flows_m3s, [stage - e for stage in fit.stages_m], "o", color="black", markersize=4)
    for segment in fit.rating.segments[1:]:
        rating.axhline(segment.start_m - e, color="grey", linewidth=0.8, linestyle="--")
    rating.set_xscale("log")
    rating.set_yscale("log")
    for axis in (rating.xaxis, rating.yaxis):
        # 20, not 2 x 10^1: an engineer reads it off at the desk.
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    rating.grid(which="major", color="0.9")
    words = [f"Q = {part.a:.4g} (h {-part.e_m:+.3f})^{part.b:.3f}" for part in fit.rating.segments]
    for at, part in enumerate(fit.rating.segments[1:], 1):
        words[at] += f" from {part.start_m:.2f} m"
    rating.legend(handles=rating.lines[:2], labels=["\n".join(words), "gaugings"], loc="upper left", frameon=False)
    rating.set_xlabel("discharge, m³/s")
    rating.set_ylabel(f"stage above {e:.3f} m, m")
    rating.set_title(
        f"{fit.rating.source}: standard error {100 * fit.standard_error_ln:.1f} %, n = {len(fit.stages_m)}"
    )
    below.axhline(0, color="tab:blue")
    twice = 200 * fit.standard_error_ln
    below.axhspan(-twice, twice, color="tab:blue", alpha=0.08, linewidth=0)
    below.grid(color="0.9")
    percent = [100 * (exp(residual) - 1) for residual in fit.residuals_ln]
    below.plot(fit.stages_m, percent, "o", color="black", markersize=4)
    below.set_xlabel("stage, m")
    below.set_ylabel("measured less rated, %")
    below.set_title("residuals; the band is twice the standard error", fontsize="small")
    out = BytesIO()
    figure.savefig(out, format=kind)
    return out.getvalue()
