"""What is shipped for Prometheus and Grafana asks for metrics that there are, and is well-formed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from pointsman.telemetry.catalogue import METRICS, Reading
from pointsman.telemetry.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "observe.md"

#: What comes from elsewhere: Prometheus itself, and prometheus-client's own collector.
FROM_ELSEWHERE = {
    "up",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
}
_VARIABLE = re.compile(r"\$__range|\$__rate_interval|\$__interval")


def panels() -> list[Mapping[str, object]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def dashboard_expressions() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def alert_expressions() -> list[str]:
    rules = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def selectors(expression: object) -> Iterator[promql_parser.VectorSelector]:
    """Every selector of series in an expression."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    inside = ("expr", "lhs", "rhs", "vector_selector", "selector", "args", "param")
    for name in inside:
        member = getattr(expression, name, None)
        for each in member if isinstance(member, list) else [member]:
            if each is not None and each is not expression:
                yield from selectors(each)


def series() -> dict[str, set[str]]:
    """The labels of each series that there is."""
    known = {name: set(each.labels) for each in METRICS for name in each.series}
    for each in METRICS:
        if each.kind == "histogram":
            known[f"{each.name}_bucket"] |= {"le"}
    return known


@pytest.mark.parametrize("expression", [*dashboard_expressions(), *alert_expressions()])
def test_an_expression_asks_for_series_that_there_are(expression: str) -> None:
    parsed = promql_parser.parse(_VARIABLE.sub("5m", expression))

    asked = list(selectors(parsed))
    known = series()
    assert asked
    for selector in asked:
        assert selector.name in known | dict.fromkeys(FROM_ELSEWHERE)
        named = {matcher.name for matcher in selector.matchers.matchers}
        assert named <= known.get(selector.name, set()) | {"job", "instance"}


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    everything = " ".join([*dashboard_expressions(), *alert_expressions()])
    asked = set(re.findall(r"pointsman_\w+", everything))

    assert [metric.name for metric in METRICS if not asked & set(metric.series)] == []


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not taken & cells
        taken |= cells


def test_grafanas_own_models_know_every_member_of_the_dashboard() -> None:
    plugins.register_default_plugins()

    made = dashboard.Dashboard.from_json(DASHBOARD)
    back = json.loads(JSONEncoder(sort_keys=True).encode(made))

    assert list(lost(DASHBOARD, back, "")) == []


def lost(sent: object, back: object, place: str) -> Iterator[str]:
    """What is not in `back` as it was sent."""
    if isinstance(sent, dict) and isinstance(back, dict):
        for name, value in sent.items():
            if value is not None:
                yield from lost(value, back.get(name), f"{place}/{name}")
    elif isinstance(sent, list) and isinstance(back, list) and len(sent) == len(back):
        for number, (one, other) in enumerate(zip(sent, back, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif sent != back:
        yield place


def test_grafana_finds_the_dashboard_and_its_source() -> None:
    folder = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    (shelf,) = yaml.safe_load((folder / "dashboards" / "pointsman.yml").read_text())["providers"]
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")

    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["url"].strip("${}") in compose
    assert f"dashboard.json:{shelf['options']['path']}/" in compose


def test_every_alert_says_what_to_do() -> None:
    rules = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))

    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert set(rule["annotations"]) == {"summary", "action"}


def test_the_page_has_every_metric_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [
        f"| `{each.name}` | {each.kind} | {', '.join(f'`{name}`' for name in each.labels)} | {each.says} |"
        for each in METRICS
    ]

    assert [row for row in rows if row not in page] == []


def promtool(*arguments: str, text: bytes | None = None) -> str:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not here: apt install prometheus")
    done = subprocess.run(
        ["promtool", *arguments], cwd=PROMETHEUS, input=text, capture_output=True, check=False
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


@pytest.mark.full
def test_promtool_finds_nothing_wrong() -> None:
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


@pytest.mark.full
def test_the_alerts_fire_where_they_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


@pytest.mark.full
def test_promtool_finds_nothing_wrong_with_the_metrics() -> None:
    metrics = Metrics("1.0")
    for metric in METRICS:
        labels = tuple("x" for _ in metric.labels)
        if metric.kind == "histogram":
            metrics.note(metric.name, 0.01, *labels)
        else:
            metrics.read([Reading(metric.name, 1, labels)])

    assert promtool("check", "metrics", text=metrics.exposition()[0]).strip() == ""
