"""Mutants are small mistakes of every kind; a worker says which of them no test notices."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath
from textwrap import dedent
from typing import Final

import pytest
import yaml

from tests.support.functions import ROOT
from tools.mutants import __main__ as program
from tools.mutants import python_code, template
from tools.mutants.checks import Check, Checks, missing_programs
from tools.mutants.choice import RefusedRun, again, chosen
from tools.mutants.mutant import Mutant
from tools.mutants.recorded_tests import RecordedTest
from tools.mutants.run import Result, worker, write_results

FILE = PurePath("code.py")

# --- Mistakes in Python ---------------------------------------------------------------------------

OPERATORS: Final[tuple[tuple[str, list[str]], ...]] = (
    ("a < b", ["(a <= b)"]),
    ("a == b", ["(a != b)"]),
    ("a in b", ["(a not in b)"]),
    ("a is b", ["(a is not b)"]),
    ("a < b <= c", ["(a <= b <= c)", "(a < b < c)"]),
    ("a and b", ["(a or b)", "b", "a"]),
    ("a or b or c", ["(a and b and c)", "(b or c)", "(a or c)", "(a or b)"]),
    ("not a", ["a"]),
    ("-a", ["a"]),
    ("a + b", ["(a - b)"]),
    ("a // b", ["(a * b)"]),
    ("a + 'text'", []),
    ("True", ["False"]),
    ("0", ["1"]),
    ("7", ["0", "7000"]),
    ("2.5", ["0", "2500.0"]),
    ("a if b else c", ["a", "c"]),
    ("min(a, b)", ["max(a, b)"]),
    ("any(a)", ["all(a)"]),
    ("f(a, b)", ["(f(b, a))"]),
    ("f(a, 'text')", []),
    ("(a, b)", ["((b,))", "((a,))"]),
    ("[a, b]", ["([b])", "([a])"]),
    ("{a, b}", ["({b})", "({a})"]),
    ("{'a': b}", ["({})"]),
    ("{**a, 'b': c}", ["({'b': c})", "({**a})"]),
    ("[a for a in b if c]", ["[a for a in b if True]"]),
    ("f'{a + b}'", []),
    ("Dict[a, b]", []),
)
"""An expression, and what it becomes. It is the value of an assignment at the module's top."""


def test_each_operator_makes_its_mistakes() -> None:
    """And no others. Each changes one place, and leaves all other characters as they are."""
    for before, after in OPERATORS:
        made = python_code.mutants_of(FILE, f"x = {before}  # kept\n")
        assert [one.content() for one in made] == [f"x = {text}  # kept\n" for text in after]


STATEMENTS: Final[tuple[tuple[str, list[str]], ...]] = (
    ("if a:\n    b", ["if True:\n    b", "if False:\n    b"]),
    ("if TYPE_CHECKING:\n    import a", []),
    ("return a", ["return None"]),
    ("return None", []),
    ("f()", ["pass"]),
    ("'''A docstring.'''", []),
    ("raise E(1)", ["pass"]),
    ("a += b", ["pass"]),
    ("assert a < b", []),
    ("import a", []),
    ("a: Final[int] = b", []),
    ("while a:\n    continue", ["while a:\n    break"]),
    ("while a:\n    break", ["while a:\n    continue"]),
    ("f(a=b)", ["pass", "(f())"]),
    ("zip(a, strict=True)", ["pass"]),
    (
        "try:\n    a\nexcept (E, F):\n    b",
        ["try:\n    a\nexcept ((F,)):\n    b", "try:\n    a\nexcept ((E,)):\n    b"],
    ),
    ("match a:\n    case _ if b:\n        c", ["match a:\n    case _ if True:\n        c"]),
)
"""A statement of a function, and what it becomes."""


def test_each_statement_has_its_mistakes() -> None:
    """And no others."""
    for before, after in STATEMENTS:
        made = python_code.mutants_of(FILE, in_function(before))
        assert [one.content() for one in made] == [in_function(text) for text in after]


def in_function(statement: str) -> str:
    """Returns a module with a function that has a statement."""
    lines = "\n".join(f"    {line}" for line in statement.splitlines())
    return f"def function():\n{lines}\n"


def test_every_mutant_of_a_module_parses_and_differs_from_it() -> None:
    """Also those of long modules of this project, with characters of more than one byte."""
    paths = ("layers/core/workspace_usage/aws/http1.py", "tools/mutants/python_code.py")
    for path in paths:
        source = (ROOT / path).read_text("utf-8") + "\ntext = f('ü', 'é' if a < b else 'ñ')\n"
        made = python_code.mutants_of(PurePath(path), source)
        assert len(made) > 50
        before = ast.dump(ast.parse(source))
        for one in made:
            assert ast.dump(ast.parse(one.content())) != before


def test_a_mutant_says_where_it_is() -> None:
    """With the qualified name of its function, as Python has it, and its line."""
    source = (
        "class A:\n    def b(self):\n        def c():\n            return 7\n        return c\n"
    )
    scopes = {(one.scope, one.line) for one in python_code.mutants_of(FILE, source)}
    assert scopes == {("A.b.c", 4), ("A.b", 5)}
    first = python_code.mutants_of(FILE, source)[0]
    assert str(first) == "code.py:4 A.b.c: 7 -> None"


# --- Mistakes in a template -----------------------------------------------------------------------

TEMPLATE = dedent(
    """\
    Resources:
      Queue:
        Type: AWS::SQS::Queue
        DeletionPolicy: Delete
        Properties:
          QueueName: !Sub "${Name}-queue"
          VisibilityTimeout: 60
          Metadata:
            Ignored: 1
      Alarm:
        Type: AWS::CloudWatch::Alarm
        Properties:
          AlarmDescription: People read it.
          Namespace: AWS/SQS
          AlarmActions: [!Ref First, !Ref Second]
    """
)


def test_a_template_s_mistakes_are_other_values_and_what_is_gone() -> None:
    """But not a resource, its type, or what only people read."""
    made = template.mutants_of(PurePath("template.yaml"), TEMPLATE)
    assert [(one.scope, one.change) for one in made] == [
        ("Resources/Queue", "without DeletionPolicy"),
        ("Resources/Queue/DeletionPolicy", "Delete -> Retain"),
        ("Resources/Queue", "without Properties"),
        ("Resources/Queue/Properties", "without QueueName"),
        ("Resources/Queue/Properties", "without VisibilityTimeout"),
        ("Resources/Queue/Properties/VisibilityTimeout", "60 -> 60000"),
        ("Resources/Alarm", "without Properties"),
        ("Resources/Alarm/Properties", "without Namespace"),
        ("Resources/Alarm/Properties/Namespace", "AWS/SQS -> AWS/SQSX"),
        ("Resources/Alarm/Properties", "without AlarmActions"),
        ("Resources/Alarm/Properties/AlarmActions", "without entry 0"),
        ("Resources/Alarm/Properties/AlarmActions", "without entry 1"),
    ]


def test_a_template_s_mutant_keeps_the_rest() -> None:
    """Its tags, too: only one value differs, or one entry is gone."""
    made = template.mutants_of(PurePath("template.yaml"), TEMPLATE)
    before = nodes(TEMPLATE)
    for one in made:
        after = nodes(one.content())
        assert len(after - before) <= 1, one
        assert before - after, one
    longer = next(one for one in made if one.change == "60 -> 60000")
    assert ("!Sub", "${Name}-queue") in {(tag, value) for _, tag, value in nodes(longer.content())}


def nodes(text: str) -> set[tuple[str, str, str]]:
    """Returns the place, the tag and the value of each scalar of a template."""

    def walk(place: str, node: yaml.Node | None) -> Iterator[tuple[str, str, str]]:
        match node:
            case yaml.MappingNode():
                for key, value in node.value:
                    yield from walk(f"{place}/{key.value}", value)
            case yaml.SequenceNode():
                for value in node.value:
                    yield from walk(f"{place}/{value.value}", value)
            case yaml.ScalarNode():
                yield place, node.tag, node.value

    return set(walk("", yaml.compose(text)))


# --- Which tests concern a mutant -----------------------------------------------------------------


def test_the_tests_that_run_the_function_are_chosen_the_quickest_first() -> None:
    """Or else those of its module; and the contract's, if no test is known to run it."""
    checks = Checks(
        {
            "tests/unit/test_a.py::slow": RecordedTest(9.0, frozenset({"code.py::f"})),
            "tests/unit/test_a.py::quick": RecordedTest(0.1, frozenset({"code.py::f"})),
            "tests/unit/test_b.py::other": RecordedTest(0.1, frozenset({"code.py::g"})),
            "tests/store/test_c.py::late": RecordedTest(0.0, frozenset({"code.py::f"})),
        },
        ROOT,
    )
    of_f, of_h = (checks.of(mutant(scope=scope))[0] for scope in ("f", "h"))
    assert of_f.tests == [
        "tests/unit/test_a.py::quick",
        "tests/unit/test_a.py::slow",
        "tests/store/test_c.py::late",
    ]
    assert of_f.paths == ["tests/store/test_c.py", "tests/unit/test_a.py"]
    assert len(of_h.tests) == 4
    assert checks.of(mutant(path="unknown.py"))[0].paths == ["tests/contract"]


def test_a_template_s_checks_are_tests_and_the_scanners_that_are_installed(tmp_path: Path) -> None:
    """A program that isn't there would fail, and so notice each mutant. Each named test exists."""

    def programs() -> set[str]:
        checks = Checks({}, tmp_path).of(mutant(path="template.yaml"))
        assert all((ROOT / path).exists() for check in checks for path in check.paths)
        return {check.command[0] for check in checks if check.command}

    assert programs() == set()
    (tmp_path / ".venv-sam/bin").mkdir(parents=True)
    (tmp_path / ".venv-sam/bin/sam").touch()
    assert missing_programs(tmp_path) == {
        ".venv/bin/python",
        ".venv-sam/bin/cfn-lint",
        ".venv-scan",
    }
    assert programs() == {".venv-sam/bin/sam"}


def mutant(path: str = "code.py", scope: str = "f", content: str = "") -> Mutant:
    """Returns a mutant."""
    return Mutant(PurePath(path), 1, scope, "a -> b", lambda: content)


# --- A run ----------------------------------------------------------------------------------------

CODE = "def larger(a, b):\n    return a if a > b else b\n"
TESTS = """\
from pathlib import Path
from code_of_project import larger

def test_the_larger_one_is_found():
    assert (larger(1, 2), larger(2, 1)) == (2, 2)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed project of one function and its test."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "code_of_project.py").write_text(CODE)
    (folder / "limit.py").write_text("limit = 7 + 8\n")
    (folder / "test_code.py").write_text(TESTS)
    (folder / "tools").symlink_to(ROOT / "tools")
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"]):
        subprocess.run([*git, *command], check=True)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def test_the_choice_depends_on_the_seed_only(project: Path) -> None:
    """Of each area as many, as far as there are some."""
    code = ["code_of_project.py"]
    names = [[one.name for one in chosen(project, code, 3, seed)] for seed in (1, 1, 2)]
    assert len(names[0]) == 3
    assert names[0] == names[1] != names[2]
    both = chosen(project, [*code, "limit.py"], 5, 0)
    assert [str(one.path) for one in both] == [*code * 2, *["limit.py"] * 3]
    assert len(chosen(project, code, 100, 0)) == 4


def test_what_is_not_committed_is_refused(project: Path) -> None:
    """Copies would not have it. So is a path without code."""
    path = project / "code_of_project.py"
    path.write_text(f"{CODE}\n")
    try:
        with pytest.raises(RefusedRun, match=r"^code_of_project\.py has changes"):
            chosen(project, ["code_of_project.py"], 1, 0)
    finally:
        path.write_text(CODE)
    with pytest.raises(RefusedRun, match="nothing can be changed in nowhere"):
        chosen(project, ["nowhere"], 1, 0)


def test_without_a_record_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence says what makes it."""
    monkeypatch.setattr(program, "RECORD_FOLDER", tmp_path)
    results = tmp_path / "results.jsonl"
    results.write_text("")
    assert program.main(["run", "--again", str(results)]) == 2
    assert capsys.readouterr().out == (
        "Nothing was run: there is no record of the tests; "
        "python -m tools.mutants record makes it.\n"
    )


def test_a_worker_knows_which_mistakes_are_noticed(project: Path, tmp_path: Path) -> None:
    """By a test, a program, or the time that it takes. The next mutant has only its own mistake."""
    tests = Check(paths=["test_code.py"])
    with worker(project, tmp_path) as run:

        def noticed(content: str, *checks: Check) -> str | None:
            return run(mutant("code_of_project.py", content=content), checks)

        said = noticed(CODE.replace("a > b", "a < b"), tests)
        assert (said or "").startswith("FAILED test_code.py::test_the_larger_one_is_found - assert")
        # A program may not read the next job.
        assert noticed(CODE.replace("a > b", "a >= b"), Check(command=["cat"]), tests) is None
        assert noticed(CODE, Check(command=["sleep", "60"], timeout=0.1)) == "timeout"
        assert noticed(CODE, Check(command=["false"])) == "exit code 1"


def test_those_that_are_alive_can_be_run_again(project: Path, tmp_path: Path) -> None:
    """They are found by their names in the results of the earlier run."""
    every = chosen(project, ["code_of_project.py"], 100, 0)
    out = tmp_path / "new" / "results.jsonl"
    results = [Result(one, None if one is every[2] else "noticed", 0.123) for one in every]
    assert list(write_results(out, results)) == results
    assert [one.name for one in again(project, out)] == [every[2].name]
    assert json.loads(out.read_text().splitlines()[2])["seconds"] == 0.1
