"""The scanners' findings are read as they are printed, and compared with the reasons for them."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.functions import ROOT
from tools.scan.expansion import LeftOutResources, write_expanded
from tools.scan.findings import Finding, Reason, unexplained, unused
from tools.scan.guard import guard_findings
from tools.scan.linters import cfn_lint, cfn_lint_findings, checkov_findings
from tools.scan.programs import FailedScan, run_for_json
from tools.scan.reasons import InvalidReasons, read_settings
from tools.scan.workflows import schema_findings, schemas, zizmor, zizmor_findings

GITHUB = "token.actions.githubusercontent.com"
NAMES = {"template.json": "template.yaml", "role.json": "deploy/role.yaml"}


def finding(rule: str, subject: str) -> Finding:
    """A finding, of whatever template."""
    return Finding("template.yaml", subject, rule, "what is wrong")


def test_a_finding_without_a_reason_is_named() -> None:
    """A reason is for its rules and its subjects, and not for others."""
    reasons = [Reason(("a 1", "b 2"), ("*Table", "Queue"), "because")]
    findings = [
        finding(rule, subject)
        for rule in ("a 1", "b 2", "c 3")
        for subject in ("UsersTable", "Queue", "TableOfUsers")
    ]
    assert unexplained(findings, reasons) == [
        finding("a 1", "TableOfUsers"),
        finding("b 2", "TableOfUsers"),
        finding("c 3", "UsersTable"),
        finding("c 3", "Queue"),
        finding("c 3", "TableOfUsers"),
    ]


def test_a_reason_without_a_finding_is_named() -> None:
    """Each of its rules and each of its patterns needs one."""
    reasons = [Reason(("a 1", "b 2"), ("*Table", "Queue"), "because")]
    assert unused([finding("a 1", "UsersTable"), finding("b 2", "Queue")], reasons) == []
    assert unused([finding("a 1", "UsersTable"), finding("c 3", "Queue")], reasons) == [
        "b 2: no finding on *Table, Queue",
        "Queue: no finding of a 1, b 2",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[[reason]]\nrules = ["a 1"]\nsubjects = ["*"]', "an entry has"),
        ('[[reason]]\nrules = ["a 1"]\nsubjects = ["*"]\nreason = " "', "has no reason"),
        ('[[reason]]\nrules = ["a 1"]\nsubjects = []\nreason = "so"', "not a list"),
        ('[[reason]]\nrules = ["a 1", "a 1"]\nsubjects = ["*"]\nreason = "so"', "not a list"),
        ('[[reason]]\nrules = "a 1"\nsubjects = ["*"]\nreason = "so"', "not a list"),
        ("[reasons]", "nothing reads reasons"),
        ("reason = because", "is not TOML"),
    ],
)
def test_a_wrong_file_of_reasons_is_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "scanners.toml"
    file.write_text(f"templates = {{}}\n{content}\n", "utf-8")
    with pytest.raises(InvalidReasons, match=message):
        read_settings(file)


def test_every_template_of_the_project_is_scanned() -> None:
    """With parameters with which all of its resources exist."""
    templates = {
        str(path.relative_to(ROOT))
        for path in [ROOT / "template.yaml", *(ROOT / "deploy").glob("*.y*ml")]
    }
    assert read_settings(ROOT / "scanners.toml").templates.keys() == templates


def test_a_resource_that_would_not_be_scanned_is_an_error(tmp_path: Path) -> None:
    """The provider is only made if there is none yet."""
    parameters = {
        "SubjectPrefix": "repo:example/workspace-usage",
        "ProviderArn": f"arn:aws:iam::123456789012:oidc-provider/{GITHUB}",
    }
    with pytest.raises(LeftOutResources, match="Provider would not be scanned"):
        write_expanded(ROOT / "deploy" / "github-role.yaml", parameters, tmp_path / "role.json")


def test_a_program_that_fails_is_an_error(tmp_path: Path) -> None:
    """It may have found nothing because it looked at nothing."""
    with pytest.raises(FailedScan, match="false ended with 1"):
        run_for_json(["false"], tmp_path, exit_codes={0})
    with pytest.raises(FailedScan, match="echo printed no JSON: oh no"):
        run_for_json(["echo", "oh no"], tmp_path)
    assert run_for_json(["echo", "[1]"], tmp_path, exit_codes={0}) == [1]


def test_cfn_lint_names_a_resource_or_a_section() -> None:
    printed = [
        {
            "Rule": {"Id": "I3011"},
            "Location": {"Path": ["Resources", "Queue", "Type"]},
            "Filename": "template.yaml",
            "Message": "needs a DeletionPolicy",
        },
        {
            "Rule": {"Id": "I4010"},
            "Location": {"Path": ["Metadata"]},
            "Filename": "template.yaml",
            "Message": "needs a context",
        },
        {
            "Rule": {"Id": "E0000"},
            "Location": {"Path": None},
            "Filename": "template.yaml",
            "Message": "is no template",
        },
    ]
    assert list(cfn_lint_findings(printed)) == [
        Finding("template.yaml", "Queue", "cfn-lint I3011", "needs a DeletionPolicy"),
        Finding("template.yaml", "Metadata", "cfn-lint I4010", "needs a context"),
        Finding("template.yaml", "template", "cfn-lint E0000", "is no template"),
    ]


def test_checkov_must_have_checked_every_template() -> None:
    check = {"check_id": "CKV_AWS_28", "check_name": "backups", "resource": "AWS::X::Table.Rows"}
    results = {
        "parsing_errors": [],
        "passed_checks": [{**check, "file_path": "/role.json"}],
        "failed_checks": [{**check, "file_path": "/template.json"}],
    }
    assert list(checkov_findings({"results": results}, NAMES)) == [
        Finding("template.yaml", "Rows", "checkov CKV_AWS_28", "backups")
    ]
    incomplete: list[dict[str, Any]] = [{"parsing_errors": ["role.json"]}, {"passed_checks": []}]
    for unread in incomplete:
        with pytest.raises(FailedScan, match="checkov checked"):
            list(checkov_findings({"results": results | unread}, NAMES))


def test_cfn_guard_names_each_resource_that_fails() -> None:
    """Their paths are somewhere in the tree of checks. A rule can fail without naming any."""
    unresolved = {"value": {"traversed_to": {"path": "/Resources/Rows/Properties", "value": {}}}}
    printed: list[dict[str, Any]] = [
        {
            "name": "/tmp/x/template.json",
            "compliant": [],
            "not_compliant": [
                {
                    "Rule": {
                        "name": "encrypted",
                        "checks": [
                            {"Clause": {"check": {"UnResolved": unresolved}}},
                            {"Clause": {"from": {"path": "/Resources/Files/Properties/X"}}},
                            {"messages": {"custom_message": "\n  Encrypt it!\n  Like this."}},
                        ],
                    }
                },
                {"Rule": {"name": "some_policy", "checks": []}},
            ],
        },
        {"name": "/tmp/x/role.json", "compliant": ["encrypted"], "not_compliant": []},
    ]
    assert list(guard_findings(printed, NAMES)) == [
        Finding("template.yaml", "Files", "cfn-guard encrypted", "Encrypt it!"),
        Finding("template.yaml", "Rows", "cfn-guard encrypted", "Encrypt it!"),
        Finding("template.yaml", "Resources", "cfn-guard some_policy", ""),
    ]
    without_rules = [printed[0], {**printed[1], "compliant": []}]
    for incomplete in (printed[:1], without_rules):
        with pytest.raises(FailedScan, match="cfn-guard checked"):
            list(guard_findings(incomplete, NAMES))


def test_findings_in_workflows_are_named_by_their_file() -> None:
    place = {
        "symbolic": {
            "kind": "Primary",
            "annotation": "not pinned",
            "key": {"Local": {"verbatim_path": "./.github/workflows/check.yml"}},
        }
    }
    printed = [{"ident": "unpinned-uses", "desc": "unpinned action", "locations": [place]}]
    workflow = ".github/workflows/check.yml"
    assert list(zizmor_findings(printed)) == [
        Finding(workflow, workflow, "zizmor unpinned-uses", "unpinned action: not pinned")
    ]
    errors = [{"filename": workflow, "path": "$.jobs", "message": "is a required property"}]
    assert list(schema_findings({"errors": errors}, "vendor.github-workflows")) == [
        Finding(
            workflow, workflow, "schema vendor.github-workflows", "$.jobs: is a required property"
        )
    ]


def test_a_workflow_is_checked_with_either_ending_of_its_name(tmp_path: Path) -> None:
    """The program here prints the files that it gets."""
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for file in ("workflows/a.yml", "workflows/b.yaml", "dependabot.yaml"):
        (tmp_path / ".github" / file).touch()
    program = tmp_path / "check"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        "files = [part for part in sys.argv if part.startswith('.github')]\n"
        "print(json.dumps({'parse_errors': [{'filename': f, 'message': ''} for f in files]}))\n"
    )
    program.chmod(0o755)
    assert [finding.file for finding in schemas(program, tmp_path)] == [
        *[".github/workflows/a.yml", ".github/workflows/b.yaml"] * 2,
        ".github/dependabot.yaml",
    ]


CFN_LINT = ROOT / ".venv-sam" / "bin" / "cfn-lint"
ZIZMOR = ROOT / ".venv-scan" / "bin" / "zizmor"


@pytest.mark.skipif(not CFN_LINT.exists(), reason="make scan installs cfn-lint")
def test_metadata_does_not_silence_cfn_lint(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(
        "Metadata: {cfn-lint: {config: {ignore_checks: [I, W, E]}}}\n"
        "Resources:\n"
        "  Queue:\n"
        "    Type: AWS::SQS::Queue\n"
        "    Metadata: {cfn-lint: {config: {ignore_checks: [I3011, E3002]}}}\n"
        "    Properties: {Colour: red}\n"
    )
    found = {finding.rule for finding in cfn_lint(CFN_LINT, tmp_path, ["template.yaml"])}
    assert found >= {"cfn-lint I3011", "cfn-lint E3002"}


@pytest.mark.skipif(not ZIZMOR.exists(), reason="make scan installs zizmor")
def test_comments_and_settings_do_not_silence_zizmor(tmp_path: Path) -> None:
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "a.yml").write_text(
        "name: a\n"
        "on: push\n"
        "jobs:\n"
        "  a:\n"
        "    runs-on: ubuntu-24.04\n"
        "    steps:\n"
        "      - uses: actions/checkout@v4 # zizmor: ignore[unpinned-uses]\n"
    )
    for folder in (tmp_path, tmp_path / ".github"):
        (folder / "zizmor.yml").write_text("rules: {artipacked: {disable: true}}\n")
    found = {finding.rule for finding in zizmor(ZIZMOR, tmp_path)}
    assert found >= {"zizmor unpinned-uses", "zizmor artipacked"}
