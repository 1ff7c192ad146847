"""The chart as Helm renders it, against the schemas of Kubernetes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.deploy.files import DEPLOY, run

from pointsman.types import Json

pytestmark = pytest.mark.full

CHART = DEPLOY / "chart"
GIVEN = "existingSecret=pointsman"
EVERYTHING = ("autoscaling.requestsInFlight=40", "service.type=LoadBalancer", "env.TZ=UTC")
NOTHING = (
    "autoscaling.enabled=false",
    "networkPolicy.enabled=false",
    "migration.enabled=false",
)
#: The oldest the chart is for, and the newest there are schemas of.
VERSIONS = ("1.30", "1.37")


def rendered(*values: str) -> dict[str, dict[str, Json]]:
    """The chart's objects by kind."""
    said = run("helm", "template", "team", CHART, *_set(GIVEN, *values))
    return {each["kind"]: each for each in yaml.safe_load_all(said) if each}


def test_helm_lint_has_nothing_to_say():
    said = run("helm", "lint", "--strict", CHART, *_set(GIVEN))

    assert "[WARNING]" not in said
    assert "[ERROR]" not in said


@pytest.mark.parametrize("values", [(), EVERYTHING, NOTHING], ids=["default", "all", "least"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_of_its_schema(tmp_path: Path, version: str, values: tuple[str, ...]):
    file = tmp_path / "chart.yaml"
    file.write_text(yaml.safe_dump_all(rendered(*values).values()))

    run("kubernetes-validate", "--strict", "--kubernetes-version", version, file)


def test_no_secret_no_chart():
    with pytest.raises(AssertionError, match="existingSecret"):
        run("helm", "template", "team", CHART)


def test_an_unknown_value_is_refused():
    with pytest.raises(AssertionError, match="replica"):
        rendered("replica=3")


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_pods_may_do_nothing_they_need_not(kind: str):
    pod = rendered()[kind]["spec"]["template"]["spec"]
    container = pod["containers"][0]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["envFrom"] == [{"secretRef": {"name": "pointsman"}}]


def test_a_pod_gets_longer_to_end_than_all_its_phases_take():
    values = ("shutdown.preStop=3", "shutdown.drain=7", "shutdown.grace=100")
    pod = rendered(*values)["Deployment"]["spec"]["template"]["spec"]
    env = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}

    assert pod["terminationGracePeriodSeconds"] > 3 + 7 + 100
    assert env["POINTSMAN_SERVER__DRAIN_S"] == "7"
    assert env["POINTSMAN_SERVER__SHUTDOWN_GRACE_S"] == "100"


def test_prometheus_is_told_where_its_key_is():
    # The schema of a ServiceMonitor is Prometheus's own, and in no package.
    secret = ("serviceMonitor.keySecret.name=prometheus", "serviceMonitor.keySecret.key=pointsman")
    monitor = rendered("serviceMonitor.enabled=true", *secret)["ServiceMonitor"]
    (endpoint,) = monitor["spec"]["endpoints"]

    assert endpoint["port"] == rendered()["Service"]["spec"]["ports"][0]["name"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["authorization"] == {"credentials": {"name": "prometheus", "key": "pointsman"}}


def test_another_configuration_is_another_roll_out():
    def checksum(config: str) -> Json:
        template = rendered(f"config={config}")["Deployment"]["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert checksum("a") != checksum("b")


def test_the_migration_needs_nothing_that_the_chart_makes():
    job = rendered()["Job"]
    pod = job["spec"]["template"]["spec"]

    assert "pre-upgrade" in job["metadata"]["annotations"]["helm.sh/hook"]
    assert pod["containers"][0]["args"] == ["db", "upgrade"]
    assert "serviceAccountName" not in pod
    assert all("emptyDir" in volume for volume in pod["volumes"])


def _set(*values: str) -> list[str]:
    return [word for value in values for word in ("--set", value)]
