"""What the documents name exists, and what exists is documented."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any, Final

import pytest
from typer.main import get_command

from local.template.parse import parse_template
from tests.deploy.stack import read_template
from tests.docs.extraction import ROOT, document, documents
from usagectl.__main__ import app

TEMPLATE: Final = read_template()
OTHER_TEMPLATES: Final = [
    parse_template(path.read_text("utf-8")) for path in sorted((ROOT / "deploy").glob("*.yaml"))
]
OTHER_PARAMETERS: Final = {
    name for found in OTHER_TEMPLATES for name in found.get("Parameters", {})
}
OTHER_OUTPUTS: Final = {name for found in OTHER_TEMPLATES for name in found.get("Outputs", {})}
MAKEFILE: Final = (ROOT / "Makefile").read_text("utf-8")
FUNCTIONS: Final = [
    ast.parse(path.read_text("utf-8"))
    for folder in ("functions", "layers/core/workspace_api")
    for path in sorted((ROOT / folder).rglob("*.py"))
]

CONFIGURATION: Final = "docs/configuration.md"
OPERATIONS: Final = "docs/operations.md"
USAGECTL: Final = "docs/usagectl.md"

_SOURCES: Final = ("Current", "Archived", "Edited")
_NOT_METRICS: Final = {
    *("Action", "Allow", "Deny", "Effect", "Resource", "Statement", "Version"),
    *("DataType", "Records", "String", "StringValue", "ApproximateReceiveCount"),
    *("LambdaContext", "Location", "Vary"),
}
"""Words of AWS's that the functions' code has besides the names of metrics."""


def code() -> Iterator[tuple[str, str]]:
    """Yields everything that is set as code in any document, with the document's name."""
    for found in documents():
        for text in found.code:
            yield found.name, text


def resources(kind: str) -> dict[str, Any]:
    """Returns the template's resources of one type."""
    return {name: r for name, r in TEMPLATE["Resources"].items() if r["Type"] == kind}


def variables() -> set[str]:
    """Returns the environment variables that the template gives to functions."""
    places = [TEMPLATE["Globals"]["Function"], *map(_properties, _functions())]
    return {name for place in places for name in place["Environment"]["Variables"]}


def _functions() -> list[Any]:
    return list(resources("AWS::Serverless::Function").values())


def _properties(resource: Any) -> Any:
    return resource["Properties"]


def make_variables() -> set[str]:
    """Returns what can be set for ``make run`` and the other commands."""
    declared = set(re.findall(r"^(?:export )?([A-Z_]+) \?=", MAKEFILE, re.MULTILINE))
    # The one that local reads by itself.
    return declared | {"DYNAMODB_ENDPOINT"}


def make_targets() -> set[str]:
    """Returns the targets that ``make`` lists."""
    return set(re.findall(r"^([a-z-]+): .*## ", MAKEFILE, re.MULTILINE))


def metrics() -> set[str]:
    """Returns the names of metrics in the functions' code; each is one capitalised text."""
    words, endings = set[str](), set[str]()
    for node in nodes():
        match node:
            case ast.JoinedStr(values=parts):
                endings = endings.union(*map(_capitalised, parts))
            case ast.keyword(arg="capture_cold_start_metric"):
                words.add("ColdStart")
            case _:
                words |= _capitalised(node)
    return (words - _NOT_METRICS - set(TEMPLATE["Outputs"])) | {
        f"{name}{end}" for name in _SOURCES for end in endings
    }


def _capitalised(node: ast.AST) -> set[str]:
    match node:
        case ast.Constant(value=str(text)) if re.fullmatch("([A-Z][a-z]+)+", text):
            return {text}
    return set()


def nodes() -> Iterator[ast.AST]:
    """Yields every node of the functions' code."""
    return (node for tree in FUNCTIONS for node in ast.walk(tree))


def log_lines() -> set[str]:
    """Returns the messages of all lines that the functions log, but for names of metrics."""
    found = set[str]()
    for node in nodes():
        match node:
            case ast.Call(
                func=ast.Attribute(attr="info" | "warning" | "error" | "exception" | "measure"),
                args=[ast.Constant(value=str(message)), *_],
            ):
                found.add(message)
    return found


def commands(command: Any = None, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yields each command of usagectl with its options; the first are those of usagectl itself."""
    command = command or get_command(app)
    options = {name for p in command.params for name in p.opts if name.startswith("-")}
    if name == "" or not hasattr(command, "list_commands"):
        yield name, options | {"--help"}
    for inner in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from commands(command.get_command(None, inner), f"{name} {inner}".strip())


COMMANDS: Final = dict(commands())


def named_commands(cells: set[str]) -> set[str]:
    """Returns the commands that cells such as ``token revoke ID`` begin with."""
    matches = (re.match(r"[a-z-]+(?: [a-z][a-z-]+)*", cell) for cell in cells)
    return {match[0] for match in matches if match}


def routes() -> set[str]:
    """Returns the routes that the template gives to functions, such as ``GET /path``."""
    events = (event for f in _functions() for event in _properties(f).get("Events", {}).values())
    api = (event["Properties"] for event in events if event["Type"] == "Api")
    return {f"{found['Method']} {found['Path']}" for found in api}


KINDS_OF_ALARMS: Final = {"MetricAlarm", "CompositeAlarm"}
"""What CloudWatch calls them; these are no names of alarms."""

REFERENCES: Final = {
    "parameter": (set(TEMPLATE["Parameters"]), CONFIGURATION, "Parameters"),
    "output": (set(TEMPLATE["Outputs"]), CONFIGURATION, "Outputs"),
    "environment variable": (variables(), CONFIGURATION, "The functions' environment"),
    "variable of make": (make_variables(), CONFIGURATION, "Local"),
    "alarm": (
        {*resources("AWS::CloudWatch::Alarm"), *resources("AWS::CloudWatch::CompositeAlarm")},
        OPERATIONS,
        "Alarms",
    ),
    "metric": (metrics(), OPERATIONS, "Metrics"),
    "log line": (log_lines(), OPERATIONS, "Log lines"),
    "route": (routes(), "docs/api.md", "Routes"),
}
"""What exists of each kind, with the document and the heading of the table that lists all of it."""


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_reference_table_lists_what_exists_and_nothing_else(kind: str) -> None:
    """Parameters, outputs, variables, alarms, metrics, log lines, routes."""
    exist, name, heading = REFERENCES[kind]
    listed = document(name).listed(heading)
    place = f"the table under {heading!r} in {name}"
    assert not exist - listed, f"{kind} missing in {place}: {', '.join(sorted(exist - listed))}"
    assert not listed - exist, f"{place} lists no {kind}: {', '.join(sorted(listed - exist))}"


def test_a_parameter_is_documented_with_its_default() -> None:
    """A row names one or more parameters and as many defaults; no default is an empty cell."""
    for names, defaults, *_ in document(CONFIGURATION).rows("Parameters"):
        found = zip(names.split(", "), defaults.split(", "), strict=True)
        for name, default in ((n.strip("`"), d.strip("`")) for n, d in found):
            expected = str(TEMPLATE["Parameters"][name]["Default"])
            assert default == expected, f"{CONFIGURATION}: the default of {name} is {expected!r}"


def test_parameters_outputs_and_alarms_that_any_document_names_exist() -> None:
    """As ``Name=value``, as "the output ``Name``", and by names that end with Alarm."""
    for name, text in code():
        for parameter in re.findall(r"(?<![\w?&=-])([A-Z][a-z]\w+)=(?![\[({])", text):
            # Name=value stands for any; TAKE names resources.
            known = {
                *TEMPLATE["Parameters"],
                *TEMPLATE["Resources"],
                *OTHER_PARAMETERS,
                "Name",
            }
            assert parameter in known, f"{name}: there is no parameter {parameter}"
        for alarm in set(re.findall(r"\b(\w+Alarm)\b", text)) - KINDS_OF_ALARMS:
            assert alarm in TEMPLATE["Resources"], f"{name}: there is no alarm {alarm}"
    for found in documents():
        for output in re.findall(r"outputs?\s+`(\w+)`", found.prose):
            known = {*TEMPLATE["Outputs"], *OTHER_OUTPUTS}
            assert output in known, f"{found.name}: there is no output {output}"


def test_commands_of_make_that_any_document_names_exist() -> None:
    """With the variables that are set for them."""
    for name, text in code():
        for arguments in re.findall(
            r"^(?:[A-Z_]+=\S+ )*make((?: [A-Z_]+=(?:\"[^\"]*\"|\S*)| [a-z-]+)+)", text
        ):
            for word in shlex.split(arguments):
                variable, is_set, _ = word.partition("=")
                known = make_variables() if is_set else make_targets()
                assert variable in known, f"{name}: make knows no {word!r}, in {text!r}"


def test_each_command_of_make_is_documented() -> None:
    """In the code of any document."""
    named = {word for _, text in code() for word in re.findall(r"\bmake ([a-z-]+)", text)}
    missing = make_targets() - named - {"help"}
    assert not missing, f"no document names make {', make '.join(sorted(missing))}"


def test_the_operators_commands_are_listed() -> None:
    """In docs/usagectl.md, under Commands: those that exist and no others."""
    exist = set(COMMANDS) - {""}
    listed = named_commands(document(USAGECTL).listed("Commands")) - {"-w"}
    assert not exist - listed, f"{USAGECTL}: missing under Commands: {exist - listed}"
    assert not listed - exist, f"{USAGECTL}: no command under Commands: {listed - exist}"


def test_each_option_of_the_operators_commands_is_documented() -> None:
    """By its long name, in the code of any document."""
    words = {word for _, text in code() for word in re.findall(r"--[a-z][a-z-]+", text)}
    for command, options in COMMANDS.items():
        missing = {option for option in options if option.startswith("--")} - words
        assert not missing, f"no document names {', '.join(missing)} of usagectl {command}"


def test_the_operators_commands_in_examples_take_their_options() -> None:
    """Each ``usagectl …`` that a document shows names a command, and options that it has."""
    for name, text in code():
        for line in re.findall(r"(?:^|[\s(])(?:bin/)?usagectl (.+)", text):
            words = shlex.split(line.split(" # ")[0].split(")")[0], comments=True)
            command = _command(words)
            known = COMMANDS[""] | COMMANDS.get(command, set())
            if command == "" and not known.issuperset(words[:1]):
                # A group of commands, or several of them: `recorder pause|resume`.
                assert any(c.startswith(words[0]) for c in COMMANDS), f"{name}: {text!r}"
                continue
            options = {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)}
            assert options <= known, f"{name}: {options - known} is no option, in {text!r}"


def _command(words: list[str]) -> str:
    """Returns the longest command that consecutive words name, or an empty text."""
    runs = (words[start : start + size] for size in (2, 1) for start in range(len(words)))
    return next((name for name in map(" ".join, runs) if name in COMMANDS), "")


def test_addresses_of_the_local_stack_that_documents_name_exist() -> None:
    """The local stack's own paths begin with ``/_local``."""
    files = [path for folder in ("local", "usagectl") for path in (ROOT / folder).rglob("*.py")]
    served = {p for f in files for p in re.findall(r"/_local/\w+", f.read_text("utf-8"))}
    for name, text in code():
        for path in re.findall(r"/_local/\w+", text):
            assert path in served, f"{name}: the local stack has no {path}"


@pytest.mark.parametrize(
    ("function", "name", "heading"),
    [
        ("UsageFunction", "README.md", "The request"),
        ("SummaryFunction", "docs/summary.md", "Parameters"),
    ],
)
def test_documents_list_the_parameters_that_the_api_reads(
    function: str, name: str, heading: str
) -> None:
    """Headers and query parameters: those that the template makes keys of the cache."""
    (event,) = _properties(TEMPLATE["Resources"][function])["Events"].values()
    read = {
        name.split(".", 3)[3]
        for found in event["Properties"]["RequestParameters"]
        for name in found
    }
    assert document(name).listed(heading) == read


def test_the_readme_lists_the_fields_of_an_item_in_their_order() -> None:
    """Those of its example, which another test compares with what the service answers."""
    readme = document("README.md")
    example = next(json.loads(block.text) for block in readme.blocks if block.language == "json")
    listed = [re.findall(r"`(\w+)`", row[0]) for row in readme.rows("The answer")]
    assert [field for fields in listed for field in fields] == list(example["items"][0])
