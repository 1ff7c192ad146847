"""`pointsman calibrate`: make the score mean on your traffic what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import asdict

from pointsman.cli.contenders import ScorerOption, scoring
from pointsman.cli.options import ConfigOption, JsonOption
from pointsman.cli.output import print_json
from pointsman.cli.progress import Display
from pointsman.config import load
from pointsman.errors import PointsmanError
from pointsman.proof.rows import Outcome, read_all
from pointsman.scoring.calibration import Calibration

#: In the home folder.
FILE = "calibration.json"


def calibrate(
    file: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Rows {prompt, weak_score} as JSON lines, plain or gzip; - is standard input.",
        ),
    ],
    scorer: ScorerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the score to labelled outcomes of your own; some fifty suffice.

    The gateway uses it from its next start; delete the file to go back.
    """
    settings = load(config)
    used = scoring(settings, scorer)
    rows = read_all(file, Outcome)
    with Display(silent=as_json) as display:
        scores = [used.scored(row.prompt) for row in display.each("scoring rows", rows)]
    pairs = [
        (score.value / 100.0, 1.0 - row.weak_score) for score, row in zip(scores, rows, strict=True)
    ]
    fitted = f"{scores[0].scorer}/{scores[0].version}"
    calibration = Calibration.fit(pairs, scorer=fitted)
    written = settings.home / FILE
    _write(written, calibration.to_json())
    said = sum(predicted for predicted, _ in pairs) / len(pairs)
    saw = sum(outcome for _, outcome in pairs) / len(pairs)
    if as_json:
        figures = {"file": str(written), "mean_score": said, "mean_shortfall": saw}
        print_json({**figures, **asdict(calibration)})
        return
    typer.echo(
        f"{len(pairs)} outcomes; the weak model fell short in {saw:.0%}, {used.name} said {said:.0%}"
    )
    for score in (20, 50, 80):
        typer.echo(f"a score of {score} now says {100.0 * calibration.apply(score / 100.0):.0f}")
    typer.echo(f"written to {written}")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PointsmanError(f"{file} can't be written: {error.strerror}") from error
