"""From settings to the rules of routing: what is wanted, what is spent, what stays local."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from pointsman import data
from pointsman.access.allowances import NO_BUDGETS, NO_LIMITS, Allowances, Stated
from pointsman.cache.guard import Guard
from pointsman.cache.verifier import PairVerifier
from pointsman.calling.escalate import Patience
from pointsman.calling.verify import Verifier
from pointsman.config import (
    BudgetSettings,
    EscalateSettings,
    LimitSettings,
    PrincipalSettings,
    Settings,
)
from pointsman.config.aliases import groups
from pointsman.errors import ConfigError
from pointsman.ledger.redact import redact_text
from pointsman.ports import Scorer
from pointsman.routing.confine import Confinement
from pointsman.routing.looks import Looks
from pointsman.routing.policy import DEFAULTS, Escalate, Floors, Policy
from pointsman.routing.privacy import Detector
from pointsman.routing.side_calls import SideCalls
from pointsman.scoring.calibrated import CalibratedScorer
from pointsman.scoring.calibration import Calibration
from pointsman.scoring.heuristic import HeuristicScorer
from pointsman.scoring.learned import LearnedScorer
from pointsman.scoring.lexicon import Lexicon
from pointsman.types import Budgets, Limits, PrivacyWish, Turn


def policy(settings: Settings) -> Policy:
    """What the operator wants. Raises ConfigError."""
    routing = settings.routing
    floors = routing.floors
    return Policy(
        tiers=routing.tiers,
        escalate=_escalate(routing.escalate) if routing.escalate else _by_score(settings),
        by_organisation=_escalates(settings.organisations),
        by_key=_escalates(settings.keys),
        defaults={**DEFAULTS, "learned": _thresholds(settings)},
        default_tier=routing.default_tier or routing.tiers[len(routing.tiers) // 2],
        max_local_tokens=routing.max_local_tokens,
        fallback=routing.fallback,
        floors=Floors(
            topics=_stakes(floors.high_stakes, routing.tiers),
            domains=floors.domains,
            strict=floors.strict,
        ),
        aliases={
            alias: to if isinstance(to, str) else groups(to)
            for alias, to in settings.aliases.items()
        },
        unknown_model_is_auto=settings.unknown_model == "auto",
    )


def scorers(settings: Settings) -> Mapping[str, Scorer]:
    """Every scorer that asks no model, by name. Raises ConfigError where a file is damaged.

    The learned one is calibrated where `pointsman calibrate` was run.
    """
    return {"learned": calibrated(settings) or learned(settings), "heuristic": heuristic()}


def calibrated(settings: Settings) -> CalibratedScorer | None:
    """The learned scorer, moved to where the operator's own outcomes put it; None without any.

    Outcomes that another scorer was measured by say nothing of this one. Raises ConfigError where
    the file is damaged.
    """
    try:
        calibration = Calibration.parse(settings.calibration.read_text(encoding="utf-8"))
    except OSError:
        return None
    scorer = learned(settings)
    made_for = calibration.scorer or f"learned/{scorer.version}"
    return (
        CalibratedScorer(scorer, calibration) if made_for == f"learned/{scorer.version}" else None
    )


def confinement(settings: Settings) -> Confinement:
    """What stays local. Raises ConfigError where a pattern is none."""
    privacy = settings.privacy
    return Confinement(
        {
            "secrets": Detector("secrets", privacy.patterns),
            "personal": Detector("personal", privacy.patterns),
        },
        privacy.level,
        _wishes(settings.organisations),
        _wishes(settings.keys),
    )


def allowances(settings: Settings) -> Allowances:
    """How much of what somebody may use."""
    limits, budgets = settings.limits, settings.budgets
    return Allowances(
        key=Stated(_limits(limits.key), _budgets(budgets.key)),
        organisation=Stated(_limits(limits.organisation), _budgets(budgets.organisation)),
        user=_limits(limits.user),
        keys={key: _stated(principal) for key, principal in settings.keys.items()},
        organisations={
            name: _stated(principal) for name, principal in settings.organisations.items()
        },
    )


def looks(settings: Settings) -> Looks:
    """When an answer is looked at before it is given out."""
    verify = settings.routing.verify
    return Looks(
        when=verify.when,
        bound=verifier().bound if verify.bound is None else verify.bound,
        margin=verify.margin,
        hold_streams=verify.stream == "hold",
    )


def patience(settings: Settings) -> Patience:
    """What such a look may cost."""
    verify = settings.routing.verify
    return Patience(verify.hold_tokens, verify.hold_s, verify.doubt, verify.better_s)


def usual_scores(settings: Settings | None = None) -> Mapping[str, Sequence[float]]:
    """Where each scorer's scores usually lie, rising: shares begin with these."""
    own = learned(settings).thresholds
    spread = own["complex"] - own["medium"]
    return {"learned": [own["medium"] + spread * (i - 5) / 10 for i in range(21)]}


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The shipped cue lists; parsing them takes a twelfth of a second."""
    return Lexicon.parse(data.read_lexicons())


@lru_cache(maxsize=1)
def heuristic() -> HeuristicScorer:
    """The transparent scorer."""
    return HeuristicScorer(lexicon())


def learned(settings: Settings | None = None) -> LearnedScorer:
    """The scorer with the weights that are configured, else the shipped ones.

    Raises ConfigError where they can't be read.
    """
    if settings is None or settings.routing.weights is None:
        return _shipped()
    return LearnedScorer.parse(weights(settings), lexicon())


def weights(settings: Settings) -> str:
    """The file of the learned scorer's weights. Raises ConfigError where it can't be read."""
    file = settings.routing.weights
    if file is None:
        return data.read_learned()
    try:
        return file.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[routing] weights {file} can't be read: {error}") from error


@lru_cache(maxsize=1)
def verifier() -> Verifier:
    """The verifier with the shipped weights."""
    return Verifier.parse(data.read_verifier())


@lru_cache(maxsize=1)
def side_calls() -> SideCalls:
    """What clients are known to ask on their own."""
    return SideCalls.parse(data.read_side_calls())


@lru_cache(maxsize=1)
def guard() -> Guard:
    """The cache's guard with the shipped word lists."""
    return Guard.parse(data.read_guard())


@lru_cache(maxsize=1)
def pair_verifier() -> PairVerifier:
    """The cache's verifier with the shipped weights."""
    return PairVerifier.parse(data.read_pairs())


@lru_cache(maxsize=1)
def _shipped() -> LearnedScorer:
    return LearnedScorer.parse(data.read_learned(), lexicon())


def _thresholds(settings: Settings) -> Mapping[str, float]:
    own, moved = learned(settings).thresholds, calibrated(settings)
    return own if moved is None else moved.thresholds(own)


def _escalate(stated: EscalateSettings) -> Escalate:
    return Escalate(stated.score, stated.share, stated.quality)


def _by_score(settings: Settings) -> Escalate:
    """The older way to say it: any number for any tier."""
    lowest = settings.routing.tiers[0]
    bounds = settings.routing.thresholds.items()
    stated = {tier: min(max(score, 0.0), 100.0) for tier, score in bounds if tier != lowest}
    return Escalate(score=stated) if stated else Escalate()


def _escalates(principals: Mapping[str, PrincipalSettings]) -> dict[str, Escalate]:
    return {
        name: _escalate(principal.escalate)
        for name, principal in principals.items()
        if principal.escalate is not None
    }


def _wishes(principals: Mapping[str, PrincipalSettings]) -> dict[str, PrivacyWish]:
    return {
        name: principal.privacy
        for name, principal in principals.items()
        if principal.privacy is not None
    }


def secret_finder(settings: Settings) -> Callable[[str], bool]:
    """Whether a text holds what counts as a secret; nothing does where nothing is looked for."""
    privacy = settings.privacy
    detector = Detector("off" if privacy.level == "off" else "secrets", privacy.patterns)
    return lambda text: bool(detector.find((Turn("user", text),)))


def clean(text: str) -> str:
    """What somebody wrote, with marks in the place of secrets and personal data."""
    return redact_text(text, _detector().places, {})


@lru_cache(maxsize=1)
def _detector() -> Detector:
    return Detector("personal")


def _stated(principal: PrincipalSettings) -> Stated:
    limits, budgets = principal.limits, principal.budgets
    return Stated(
        NO_LIMITS if limits is None else _limits(limits),
        NO_BUDGETS if budgets is None else _budgets(budgets),
    )


def _limits(stated: LimitSettings) -> Limits:
    return Limits(stated.requests_per_minute, stated.tokens_per_minute, stated.concurrent)


def _budgets(stated: BudgetSettings) -> Budgets:
    said = "allow_unpriced" in stated.model_fields_set
    return Budgets(stated.per_day, stated.per_month, stated.allow_unpriced if said else None)


def _stakes(floor: str | bool, tiers: tuple[str, ...]) -> dict[str, str]:  # noqa: FBT001
    if floor is False:
        return {}
    return {"high_stakes": tiers[-1] if floor is True else floor}
