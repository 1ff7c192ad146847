"""The linters and schemas of others, over the files of deploy/."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from tests.deploy.files import DEPLOY, ROOT, program, run

pytestmark = pytest.mark.full

#: What compose.yaml asks of whoever starts it.
GIVEN = {"POSTGRES_PASSWORD": "given", "GRAFANA_PASSWORD": "given"}
#: Of 10: systemd's own measure of what a service could do to the machine. It was 1.3.
MOST_EXPOSED = 2.0


def test_hadolint_has_nothing_to_say():
    assert run("hadolint", DEPLOY / "Dockerfile") == ""


def test_compose_files_are_of_the_compose_specification():
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_docker_compose_takes_the_file_and_every_file_it_names_is_there(tmp_path: Path):
    copy = tmp_path / "deploy"
    shutil.copytree(DEPLOY, copy)
    shutil.copy(copy / "env.example", copy / ".env")

    config = run("docker-compose", "--file", copy / "compose.yaml", "config", **GIVEN)

    services = yaml.safe_load(config)["services"]
    mounts = [each for service in services.values() for each in service.get("volumes", [])]
    named = [Path(each["source"]) for each in mounts if each["type"] == "bind"]
    assert named
    assert [each for each in named if not each.exists()] == []
    assert services["gateway-1"] == services["gateway-2"]


def test_docker_compose_does_not_start_without_the_secrets(tmp_path: Path):
    shutil.copy(DEPLOY / "compose.yaml", tmp_path)
    (tmp_path / ".env").write_text("")

    with pytest.raises(AssertionError, match=r"PASSWORD is not set in deploy/\.env|is not set"):
        run("docker-compose", "--file", tmp_path / "compose.yaml", "config")


def test_systemd_takes_the_unit(tmp_path: Path):
    unit = _installed(tmp_path)

    assert run("systemd-analyze", "verify", unit) == ""


def test_the_service_could_do_little_to_the_machine(tmp_path: Path):
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", _installed(tmp_path))

    exposed = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert exposed
    assert float(exposed[1]) <= MOST_EXPOSED


@pytest.mark.parametrize(
    ("proxy", "file", "check"),
    [("haproxy", "haproxy.cfg", ("-c", "-f")), ("nginx", "nginx.conf", ("-t", "-q", "-c"))],
)
def test_the_proxies_take_their_files(
    tmp_path: Path, proxy: str, file: str, check: tuple[str, ...]
):
    known = re.sub(r"\bgateway-\d:", "127.0.0.1:", (DEPLOY / "proxy" / file).read_text())
    (tmp_path / file).write_text(known)

    run(proxy, *check, tmp_path / file)


def test_fly_gets_what_its_reference_names():
    # No validator can be had without Fly's own program: these are the names of its reference.
    fly = tomllib.loads((DEPLOY / "fly.toml").read_text())
    known = {
        "": {"app", "primary_region", "kill_signal", "kill_timeout", "build", "deploy", "env"}
        | {"http_service", "vm", "mounts"},
        "build": {"dockerfile"},
        "deploy": {"strategy", "max_unavailable", "release_command"},
        "http_service": {"internal_port", "force_https", "auto_stop_machines", "checks"}
        | {"auto_start_machines", "min_machines_running", "concurrency"},
    }

    for table, names in known.items():
        assert set(fly if not table else fly[table]) <= names
    assert fly["http_service"]["concurrency"].keys() <= {"type", "soft_limit", "hard_limit"}
    assert all(isinstance(value, str) for value in fly["env"].values())
    assert (DEPLOY / fly["build"]["dockerfile"]).is_file()


def test_railway_gets_what_its_reference_names():
    # As for Fly: its schema is in no registry.
    railway = json.loads((DEPLOY / "railway.json").read_text())

    assert railway.keys() == {"$schema", "build", "deploy"}
    assert railway["build"] == {"builder": "DOCKERFILE", "dockerfilePath": "deploy/Dockerfile"}
    assert railway["deploy"].keys() <= {
        "startCommand", "healthcheckPath", "healthcheckTimeout", "restartPolicyType",
        "overlapSeconds", "drainingSeconds",
    }  # fmt: skip
    assert (ROOT / railway["build"]["dockerfilePath"]).is_file()


@pytest.mark.timeout(600)
def test_every_step_of_the_image_works_and_it_serves(tmp_path: Path):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    program("mmdebstrap"), program("buildah")
    subprocess.run([DEPLOY / "check-image"], env=os.environ | {"TMPDIR": str(tmp_path)}, check=True)


def _installed(folder: Path) -> Path:
    """The unit, as if the gateway were where it says."""
    gateway = folder / "pointsman"
    gateway.write_text("#!/bin/sh\n")
    gateway.chmod(0o755)
    unit = folder / "pointsman.service"
    text = (DEPLOY / "systemd" / "pointsman.service").read_text()
    unit.write_text(text.replace("/opt/pointsman/bin/pointsman serve", f"{gateway} serve"))
    return unit
