"""What the files of deploy/ say of Pointsman is so: its settings, paths, metrics, times."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from tests.deploy.files import DEPLOY, ROOT

from pointsman.config import Settings, load
from pointsman.server.routes import PATHS
from pointsman.telemetry import catalogue

#: Variables that are not settings.
OTHERS = {"POINTSMAN_CONFIG", "POINTSMAN_ENCRYPTION_KEY"}
FILES = sorted(
    each
    for each in DEPLOY.rglob("*")
    if each.is_file() and each.name not in {".env", "check-image"}
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(DEPLOY)))
def test_every_variable_is_a_setting(file: Path):
    names = set(re.findall(r"\bPOINTSMAN_[A-Z][A-Z_]*", file.read_text(encoding="utf-8")))

    for name in names - OTHERS:
        section: type[BaseModel] = Settings
        for part in name.removeprefix("POINTSMAN_").lower().split("__"):
            assert part in section.model_fields, f"{name}: there is no such setting"
            inner = section.model_fields[part].annotation
            section = (
                inner if isinstance(inner, type) and issubclass(inner, BaseModel) else Settings
            )


def test_the_configurations_are_taken(tmp_path: Path):
    gateways = load(DEPLOY / "pointsman.toml")
    values = yaml.safe_load((DEPLOY / "chart" / "values.yaml").read_text())
    charted = tmp_path / "pointsman.toml"
    charted.write_text(values["config"])

    assert [each.where for each in gateways.models.values()] == ["local"]
    assert load(charted).log.format == "json"


def test_the_model_that_compose_fetches_is_the_one_that_is_called():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

    assert compose["services"]["model"]["command"] == [
        "pull",
        load(DEPLOY / "pointsman.toml").models["qwen"].model,
    ]


def test_health_is_asked_where_the_gateway_tells_it():
    asked = set()
    for file in FILES:
        asked |= set(re.findall(r"/health(?:/\w+)?", file.read_text(encoding="utf-8")))

    # `/health/live` has a port of its own.
    assert asked - {"/health/live"} <= {path.path for path in PATHS}


def test_the_autoscaler_asks_for_a_metric_that_exists():
    template = (DEPLOY / "chart" / "templates" / "autoscaler.yaml").read_text()
    names = re.findall(r"pointsman_\w+", template)

    assert names
    assert set(names) <= {series for metric in catalogue.METRICS for series in metric.series}


def test_nothing_is_killed_before_it_had_its_time_to_end():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    unit = (DEPLOY / "systemd" / "pointsman.service").read_text()
    fly = tomllib.loads((DEPLOY / "fly.toml").read_text())
    railway = json.loads((DEPLOY / "railway.json").read_text())
    shipped, default = load(DEPLOY / "pointsman.toml").server, Settings().server
    env = {name.rpartition("__")[2]: value for name, value in fly["env"].items()}

    granted = _seconds(compose["x-gateway"]["stop_grace_period"])
    assert granted > shipped.drain_s + shipped.shutdown_grace_s
    assert _seconds(_value(unit, "TimeoutStopSec")) > default.drain_s + default.shutdown_grace_s
    assert _seconds(fly["kill_timeout"]) > int(env["DRAIN_S"]) + int(env["SHUTDOWN_GRACE_S"])
    assert int(railway["deploy"]["drainingSeconds"]) > default.drain_s + default.shutdown_grace_s


def test_the_proxies_are_more_patient_than_the_gateway():
    haproxy = (DEPLOY / "proxy" / "haproxy.cfg").read_text()
    nginx = (DEPLOY / "proxy" / "nginx.conf").read_text()
    qwen = load(DEPLOY / "pointsman.toml").models["qwen"]
    silence = max(qwen.first_byte_s, qwen.timeouts.between_chunks_s, qwen.timeouts.load_s)

    assert 60 * int(re.findall(r"timeout server (\d+)m", haproxy)[0]) > silence
    assert 60 * int(re.findall(r"proxy_read_timeout (\d+)m", nginx)[0]) > silence
    largest = max(Settings().server.max_body_bytes, Settings().batch.max_file_bytes)
    assert int(re.findall(r"client_max_body_size (\d+)m", nginx)[0]) << 20 > largest


def test_versions_agree():
    chart = yaml.safe_load((DEPLOY / "chart" / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert chart["appVersion"] == project["version"]


def test_every_extra_of_the_image_is_one_of_ours():
    extras = re.findall(r"^ARG EXTRAS=(.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert set(extras[0].split(",")) <= set(project["optional-dependencies"])


def test_all_that_the_image_copies_is_there_and_let_through():
    copied = re.findall(
        r"^COPY (?!--from)(.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE
    )
    let = (ROOT / ".dockerignore").read_text().splitlines()

    for name in " ".join(copied).split():
        assert (ROOT / name).exists()
        assert f"!{name}" in let


def test_secrets_are_named_and_never_given():
    for line in (DEPLOY / "env.example").read_text().splitlines():
        assert not line or line.startswith("#") or re.fullmatch(r"[A-Z_]+=", line), line


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def _value(unit: str, name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", unit, re.MULTILINE)
    assert found
    return found[1]
