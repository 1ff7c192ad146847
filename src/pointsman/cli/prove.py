"""`pointsman prove`: what routing is worth on labelled rows, with controls beside it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pointsman import data, proof
from pointsman.cli.contenders import ScorerOption, contenders
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json, print_table
from pointsman.cli.progress import Display
from pointsman.config import load
from pointsman.errors import PointsmanError
from pointsman.proof.rows import Row, read_all, sampled

if TYPE_CHECKING:
    from pointsman.proof import Figure, Line, Proof, Source

_COLUMNS = (
    "contender", "APGR #", "95 % #", "CPT50 #", "CPT80 #", "room #",
    "ECE #", "off20 #", "off50 #", "strong #", "quality #",
)  # fmt: skip
_FITTED_COLUMNS = (
    "contender", "ECE #", "fitted #", "after 50 #", "off20 #", "off50 #",
    "shifted20 #", "shifted50 #", "gain #", "95 % #",
)  # fmt: skip
_LEGEND = """\
APGR      recovered gap, averaged over all shares of strong calls; chance has .500;
          + and - are significantly better and worse than chance (p <= .05)
CPT       strong calls that recover 50 % and 80 % of the gap
room      how far on the way from chance to the oracle
ECE       calibration error; fitted: in source, cross-validated; after 50 labelled outcomes
off       how far the strong calls are off a budget of 20 % and 50 %; shifted: when another
          source takes over
strong    strong calls at its own default threshold; quality: the mean then, 0-1
shuffled  as many strong calls, at prompts left to chance; gain: what the decisions add to that"""


def prove(
    *,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="FILE...",
            help="Labelled rows as JSON lines, plain or gzip; the shipped sample if not given.",
        ),
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="FILE...", hidden=True)] = None,
    sample: Annotated[
        int | None, typer.Option(min=2, help="At most so many rows of each source, at random.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is random.")] = 0,
    scorer: ScorerOption = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Write the curves as a picture.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what routing is worth on labelled rows, with controls beside it.

    A row is {id, source, prompt, weak_score, strong_score, weak_answer?}, with scores of 0-1.
    """
    competing = contenders(load(config), scorer)
    with Display(silent=as_json) as display:
        rows = _read([*(files or ()), *(more or ())], display)
        if sample is not None:
            rows = sampled(rows, sample, random.Random(seed))  # noqa: S311 - reproducible
        table = proof.measure(rows, competing, seed=seed, tell=display)
    if not table.means:
        raise PointsmanError("the strong model is no better in any source: nothing to recover")
    if plot is not None:
        _write(plot, proof.svg(table.means[0]))
    if as_json:
        print_json(
            {"seed": seed, "rows": len(rows), "router": next(iter(competing)), **table.view()}
        )
    else:
        _print(table)


def _read(files: Sequence[str], display: Display) -> list[Row]:
    if not files:
        with data.sample() as file:
            return read_all(str(file), Row)
    return [row for file in display.each("reading files", files) for row in read_all(file, Row)]


def _write(plot: Path, picture: str) -> None:
    try:
        plot.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise PointsmanError(f"{plot} can't be written: {error.strerror}") from error


def _print(table: Proof) -> None:
    several = len(table.sources) > 1
    for source in (*table.sources, *(table.means if several else ())):
        title = (
            f"{source.name}: {source.rows} rows, quality {source.weak:.3f} -> {source.strong:.3f}"
        )
        if source.lines:
            print_table(_COLUMNS, [_row(*each) for each in source.lines.items()], title)
        else:
            typer.echo(f"{title}: no gap to recover")
        typer.echo()
    fitted = [_fitted_row(name, line) for name, line in _claiming(table.means[0])]
    print_table(_FITTED_COLUMNS, fitted, f"{table.means[0].name}: claims, budgets, decisions")
    typer.echo(f"\n{_LEGEND}")


def _claiming(source: Source) -> Iterable[tuple[str, Line]]:
    return ((name, line) for name, line in source.lines.items() if line.calibration)


def _row(name: str, line: Line) -> tuple[str, ...]:
    return (
        "  shuffled" if name.endswith(proof.SHUFFLED) else name,
        _number(line.apgr) + (line.against_chance or " "),
        _interval(line.apgr),
        _percent(line.cpt50),
        _percent(line.cpt80),
        "" if line.headroom is None else f"{line.headroom.value:.0%}",
        _number(line.calibration),
        _percent(line.budget20),
        _percent(line.budget50),
        _percent(line.share),
        _number(line.quality),
    )


def _fitted_row(name: str, line: Line) -> tuple[str, ...]:
    return (
        name,
        _number(line.calibration),
        _number(line.calibration_in_source),
        _number(line.calibration_after_50),
        _percent(line.budget20),
        _percent(line.budget50),
        _percent(line.shifted20),
        _percent(line.shifted50),
        _number(line.gain),
        _interval(line.gain),
    )


def _number(figure: Figure | None) -> str:
    return "" if figure is None else _short(figure.value)


def _percent(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:.1%}"


def _interval(figure: Figure | None) -> str:
    ends = figure.interval if figure else None
    return "" if ends is None else f"{_short(ends[0])} to {_short(ends[1])}"


def _short(value: float) -> str:
    """Three decimals without the 0 before them."""
    return f"{value:.3f}".replace("0.", ".", 1)
