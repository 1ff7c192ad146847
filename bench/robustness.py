"""How often a decision changes when a prompt is only dressed differently.

``python -m bench.robustness [--json FILE]`` prints one table per scorer and writes one JSON.

The prompts, what is done to them, and how a change is counted are those of the tests, see
`tests/scoring/robustness`. Beside the share of changed decisions stands the variant that changes
most. `shift` and `distance` are the mean change of the score and of its size, in standard
deviations of the plain prompts' scores. The JSON has the worst variant of every way to decide.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.scoring.robustness.measure import Flips, Lines, Scored, flips, lines_of, overall
from tests.scoring.robustness.perturbations import prompts

from pointsman.assembly import rules
from pointsman.ports import Scorer
from pointsman.routing.policy import DEFAULTS, TWO_TIERS
from pointsman.types import Turn


def scored_by(scorer: Scorer) -> Scored:
    """Return the score of a text as the only turn."""
    return lambda text: scorer.score((Turn("user", text),)).value


def table(name: str, lines: Lines, found: Sequence[Flips]) -> str:
    """Return one scorer's table, as Markdown."""
    ways = " | ".join(lines)
    rows = [
        f"| {name} | {ways} | shift | distance | worst at a share of 20 % |",
        "|---" * (len(lines) + 4) + "|",
    ]
    for each in found:
        cells = " | ".join(f"{each.mean[way]:.1%} ({each.worst[way][1]:.1%})" for way in lines)
        worst = each.worst["share 20 %"][0].replace("|", "/").replace("\\n", " ")[:60]
        rows.append(
            f"| {each.kind} | {cells} | {each.shift:+.2f} | {each.distance:.2f} | {worst} |"
        )
    pooled = " | ".join(f"{share:.1%}" for share in overall(found).values())
    rows.append(f"| **all kinds alike** | {pooled} | | | |")
    return "\n".join([*rows, ""])


def measure(name: str, scorer: Scorer, own: Mapping[str, float]) -> list[Flips]:
    """Measure one scorer at its own thresholds and at two shares, and print it."""
    score, asked = scored_by(scorer), prompts()
    plain = [score(prompt.text) for prompt in asked]
    lines = lines_of(plain, own["medium"], own["complex"], own[TWO_TIERS])
    found = flips(score, asked, lines)
    print(table(name, lines, found))
    return found


def main() -> None:
    """Parse the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", default="robustness.json", help="where the figures go")
    options = parser.parse_args()
    learned = rules.learned()
    found = {
        "heuristic": measure("heuristic", rules.heuristic(), DEFAULTS["heuristic"]),
        "learned": measure("learned", learned, learned.thresholds),
    }
    figures = {name: [asdict(each) for each in some] for name, some in found.items()}
    Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
