"""`aryk warn nowcast`: what the gauges below will show when the water above arrives, kept and judged."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aryk.commands.registry import load, no_station
from aryk.commands.store_options import Bucket, Org, State, Store, Token, TokenFile
from aryk.commands.warn_asking import At, Folder, moment
from aryk.text import cannot

if TYPE_CHECKING:
    from dashboards.warn.nowcasts import Said
    from hydrology.warnings import Skill
    from hydrology.warnings.shown import Shown


def nowcast(
    registry: Folder,
    station: Annotated[str | None, typer.Option("--station", help="only for this gauge below")] = None,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="keep it in the store, to be judged when its time has come")
    ] = True,
    store: Store = None,
    bucket: Bucket = "aryk",
    org: Org = "aryk",
    token: Token = None,
    token_file: TokenFile = None,
    state: State = Path("state"),
    at: At = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Carry what passed the gauges above down to the gauges below, one travel time ahead: a trend with its spread, no
    forecast. A gauge that is silent gives none: unknown is not safe.

    Each is kept in the store, and judged against what came: run it from a timer, as every hour.

    \b
    aryk warn nowcast --registry registry --store state/store/points.sqlite
    aryk warn nowcast --registry registry --station river-below --no-keep --json
    """
    from dashboards.report.flows import TooDenseError
    from dashboards.warn.nowcasts import look
    from dashboards.warn.reaches import stretches
    from store.open import open_reader, open_writer
    from store.points import Points, StoreError
    from store.word import store_settings

    loaded = load(registry)
    found = stretches(loaded, station)
    if not found:
        if station is not None and all(one.id != station for one in loaded.stations):
            typer.echo(no_station(station, loaded), err=True)
            raise typer.Exit(2)
        typer.echo(f"the registry has no link or reach {f'down to {station!r}' if station else 'at all'}", err=True)
        raise typer.Exit(2)
    where = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)
    now = moment(at)

    async def work() -> "list[Said]":
        async with open_reader(where, state) as reader:
            said = await look(reader, found, now)
        points: list[Points] = [record for one in said if (record := one.record()) is not None]
        if keep and points:
            async with open_writer(where, state) as writer:
                await writer.write(points)
        return said

    try:
        said = asyncio.run(work())
    except (StoreError, TooDenseError, OSError) as error:
        typer.echo(cannot(error) if isinstance(error, OSError) else str(error), err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in said], indent=2))
        return
    for one in said:
        zone = loaded.zone_of(one.stretch.downstream)
        typer.echo("\n".join(_lines(one, zone)))


def _lines(one: "Said", zone: str) -> list[str]:
    from zoneinfo import ZoneInfo

    from hydrology.warnings.shown import shown
    from wire.quantities import QUANTITIES

    name = f"{one.stretch.upstream.id} > {one.stretch.downstream.id}"
    if one.nowcast is None or one.pair is None:
        return [f"{name}: none, {one.why}{'. Not safe: nobody knows.' if one.why.startswith('unknown') else ''}"]
    quantity = one.pair.below.quantity
    how = shown(quantity, QUANTITIES[quantity].unit)
    number, unit = how.number, how.unit

    def local(lead_s: float) -> str:
        return f"{datetime.fromtimestamp(one.at_ms / 1000 + lead_s, ZoneInfo(zone)):%Y-%m-%d %H:%M}"

    out = [f"{name}: {one.pair.below.quantity} {one.pair.below.sensor}, {one.method}"]
    out.append(f"  {local(0)}  {number(one.nowcast.now)} {unit}, as read")
    ahead = one.nowcast.ahead
    for place in sorted({-(-len(ahead) * part // 3) - 1 for part in (1, 2, 3)}):
        step = ahead[place]
        spread = "spread not known yet" if step.low is None else f"80 %: {number(step.low)} to {number(step.high)}"
        over = [rule for rule in one.pair.thresholds if (step.high or step.value) >= rule.level_m]
        reach = f", may reach {max(over, key=lambda rule: rule.level_m).name}" if over else ""
        out.append(f"  {local(step.lead_s)}  {number(step.value)} {unit} ({spread}){reach}")
    out.append(f"  {one.nowcast.label}")
    out.append(f"  tried over the last 14 days: {_words(one.nowcast.skill, how)}")
    if one.kept is not None:
        out.append(f"  kept and judged in 30 days:  {_words(one.kept, how)}")
    return out


def _words(skill: "Skill", how: "Shown") -> str:
    if skill.answers < 2:
        return "none yet" if not skill.answers else "one, too few"
    parts = [f"{skill.answers} at {skill.lead_s / 3600:.3g} h"]
    index = skill.persistence_index
    if index is None:
        parts.append("nothing moved")
    else:
        parts.append(f"persistence index {index:.2f}{'' if index > 0 else ' (no better than no change)'}")
    if skill.kge is not None:
        parts.append(f"KGE {skill.kge:.2f}")
    if skill.rmse is not None:
        parts.append(f"RMSE {how.number(skill.rmse, more=0 if how.decimals else 1)} {how.unit}")
    return ", ".join(parts)


def _plain(one: "Said") -> dict[str, Any]:
    from dataclasses import asdict

    document: dict[str, Any] = {"upstream": one.stretch.upstream.id, "downstream": one.stretch.downstream.id}
    if one.nowcast is None or one.pair is None:
        return {**document, "condition": "unknown" if one.why.startswith("unknown") else "none", "why": one.why}
    return {
        **document,
        "condition": "known",
        "quantity": one.pair.below.quantity,
        "sensor": one.pair.below.sensor,
        "method": one.method,
        "label": one.nowcast.label,
        "at_ms": one.at_ms,
        "now": one.nowcast.now,
        "ahead": [asdict(step) for step in one.nowcast.ahead],
        "skill": asdict(one.nowcast.skill),
        "kept": None if one.kept is None else asdict(one.kept),
    }
