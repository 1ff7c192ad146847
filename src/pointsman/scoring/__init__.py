"""Score: how likely it is that the lowest tier will not suffice, and why."""

from pointsman.scoring.heuristic import HeuristicScorer
from pointsman.scoring.lexicon import Lexicon

__all__ = ["HeuristicScorer", "Lexicon"]
