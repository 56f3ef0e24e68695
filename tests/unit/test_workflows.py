"""GitHub's workflows: actions are pinned, jobs may do little, and deployments are in order."""

import re
import subprocess
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from tests.support.functions import ROOT

WORKFLOWS: Final = {
    path.stem: path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").glob("*.y*ml")
}

each_workflow = pytest.mark.parametrize("name", sorted(WORKFLOWS))


def jobs(name: str) -> dict[str, Any]:
    """Returns the jobs of a workflow."""
    found: dict[str, Any] = yaml.safe_load(WORKFLOWS[name])["jobs"]
    return found


def uses() -> Iterator[tuple[str, str]]:
    """Yields each action that a workflow uses, and the rest of its line: what pins it."""
    for text in WORKFLOWS.values():
        for line in re.findall(r"uses: (.+)", text):
            if not line.startswith("./"):
                action, _, pin = line.partition("@")
                yield action, pin


def test_actions_are_pinned_by_the_hash_of_a_commit() -> None:
    """With the version as a comment, which Dependabot reads, and the same everywhere."""
    pins = dict(uses())
    assert len(pins) > 5
    for action, pin in uses():
        assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", pin), action
        assert pin == pins[action], f"{action} has two versions"


@each_workflow
def test_jobs_have_only_the_permissions_that_they_name(name: str) -> None:
    """A workflow has none of its own."""
    assert yaml.safe_load(WORKFLOWS[name])["permissions"] == {}
    assert all("permissions" in job for job in jobs(name).values())


@each_workflow
def test_no_workflow_has_a_key_of_aws(name: str) -> None:
    """They get temporary credentials, with the token that GitHub gives a job."""
    assert not re.search(r"aws-access-key-id|AWS_ACCESS_KEY_ID|SECRET_ACCESS", WORKFLOWS[name])


def test_what_was_checked_and_built_is_deployed_to_dev_and_then_to_prod() -> None:
    """The same build. Only the jobs of an environment may ask for its credentials."""
    deploy = jobs("deploy")
    assert list(deploy) == ["check", "build", "dev", "prod"]
    assert [deploy[name]["needs"] for name in ("build", "dev", "prod")] == ["check", "build", "dev"]
    for name in ("dev", "prod"):
        assert deploy[name]["uses"] == "./.github/workflows/deploy-to.yml"
        assert deploy[name]["with"] == {"environment": name}
    (job,) = jobs("deploy-to").values()
    assert job["environment"] == "${{ inputs.environment }}"
    assert "make build" in WORKFLOWS["deploy"]
    assert "make build" not in WORKFLOWS["deploy-to"]
    allowed = [
        f"{name}.{job}"
        for name in WORKFLOWS
        for job, content in jobs(name).items()
        if content["permissions"].get("id-token") == "write"
    ]
    assert sorted(allowed) == ["deploy-to.deploy", "deploy.dev", "deploy.prod", "release.release"]


def test_the_smoke_test_gets_its_token() -> None:
    """An environment's secrets reach a called workflow only if its caller hands on all of them.

    The called workflow reads no other, and gives it to the last step only.
    """
    for name in ("dev", "prod"):
        assert jobs("deploy")[name]["secrets"] == "inherit"
    secrets = re.findall(r"secrets\.(\w+)([^}]*)}}", WORKFLOWS["deploy-to"])
    assert secrets == [("USAGECTL_TOKEN", " != '' "), ("USAGECTL_TOKEN", " ")]
    (job,) = jobs("deploy-to").values()
    assert "USAGECTL_TOKEN" in job["steps"][-1]["env"]


@pytest.mark.parametrize(("has_token", "exit_code"), [("true", 0), ("false", 1)])
def test_a_deployment_whose_smoke_test_lacks_its_token_fails(
    has_token: str, exit_code: int
) -> None:
    """Before anything is deployed. Otherwise nobody would notice that rows are not asked for."""
    (job,) = jobs("deploy-to").values()
    check = job["steps"][0]
    assert check["if"] == "vars.USAGECTL_WORKSPACE != ''"
    done = subprocess.run(
        ["/bin/sh", "-ec", check["run"]], env={"HAS_TOKEN": has_token}, check=False
    )
    assert done.returncode == exit_code


def test_a_deployment_is_not_ended_by_the_next() -> None:
    """CloudFormation would go on with it, and two could cross."""
    (job,) = jobs("deploy-to").values()
    assert job["concurrency"] == {
        "group": "deploy-${{ inputs.environment }}",
        "cancel-in-progress": False,
    }


def test_an_installation_is_made_before_there_are_credentials() -> None:
    """Code of packages that runs at their installation finds none."""
    (job,) = jobs("deploy-to").values()
    steps = [str(step.get("uses", step.get("run"))) for step in job["steps"]]
    (installation,) = [number for number, step in enumerate(steps) if ".venv/installed" in step]
    (credentials,) = [number for number, step in enumerate(steps) if "credentials" in step]
    assert installation < credentials
