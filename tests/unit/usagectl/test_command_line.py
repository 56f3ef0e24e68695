"""usagectl's command line without a deployment: help, arguments, and folders to import."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from benchmarks.large_data_set import write_large_data_set
from tests.support.command import run as run_command
from tests.support.functions import ROOT
from usagectl.__main__ import app, main
from usagectl.cli.commands import COMMANDS
from usagectl.cli.output import number_of

HEAVY = ("boto3", "botocore", "pydantic", "rich", "samtranslator", "yaml")

type Ran = tuple[int, str, str]
"""An exit code, and what was written to standard output and standard error."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ran]]:
    """Returns a function that runs a command in this process."""
    before = signal.getsignal(signal.SIGTERM)

    def run_(*arguments: object) -> Ran:
        code = main(list(map(str, arguments)))
        written = capsys.readouterr()
        return code, written.out, written.err

    yield run_
    signal.signal(signal.SIGTERM, before)


def commands(command: Any = None, name: str = "usagectl") -> Iterator[tuple[str, Any]]:
    """Yields every command and group of commands, with what one types for it."""
    command = command or get_command(app)
    yield name, command
    for inner in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from commands(command.get_command(None, inner), f"{name} {inner}")


@pytest.mark.parametrize(("name", "command"), [pytest.param(n, c, id=n) for n, c in commands()])
def test_every_command_explains_itself_with_an_example(name: str, command: Any) -> None:
    """The example is of this command, and on one line, so that it can be copied."""
    examples = re.findall(r"^Example: (usagectl .*)$", command.help, re.MULTILINE)
    assert examples
    words = name.removeprefix("usagectl").strip()
    assert all(words in example for example in examples)


def test_the_list_of_commands_has_a_sentence_about_each(run: Callable[..., Ran]) -> None:
    """Without a command, the list is printed too, and the exit code is 2."""
    code, out, _ = run("--help")
    assert code == 0
    for name, command in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(command.summary)}$", out, re.MULTILINE)
    assert run()[:2] == (2, out)


HELP = """
import sys
from usagectl.__main__ import main
for words in (["--help"], ["--version"], ["import", "--help"], ["doctor", "--help"]):
    assert main(words) == 0
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def test_help_imports_nothing_that_it_does_not_need() -> None:
    """Importing boto3, or what parses data or shows progress, takes too long."""
    done = subprocess.run(
        [sys.executable, "-c", HELP],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'layers' / 'core'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = [set(line.split()) & set(HEAVY) for line in done.stderr.splitlines()]
    # Typer checks the values of options with pydantic, also when help is all that is wanted.
    assert imported == [set(), set(), {"pydantic"}, {"pydantic"}]


def test_an_error_is_the_exit_code_of_the_process() -> None:
    """The sentence is on standard error, with nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "usagectl", "exprt"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'layers' / 'core'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_the_version_is_shown(run: Callable[..., Ran]) -> None:
    """As three numbers, so that scripts can read it."""
    code, out, _ = run("--version")
    assert code == 0
    assert re.fullmatch(r"usagectl [0-9]+\.[0-9]+\.[0-9]+\n", out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("exprt", "There is no command 'exprt'; did you mean export?"),
        ("--nonsense", "No such option: --nonsense"),
        ("setting", "Missing command"),
        ("export", "Missing argument 'FOLDER'"),
        ("export out", "Missing option '--workspace' / '-w'"),
        ("export out -w x", "must be a whole number from 1 to 9,223,372,036,854,775,807"),
        ("export out -w 011", "must be a whole number"),
        ("export out -w 99999999999999999999", "must be a whole number"),
        ("export out -w 1 --end-date 2026-02-30", "must be a day that exists"),
        ("export out -w 1 --start-date 20250105", "must be a date in the form YYYY-MM-DD"),
        (
            "export out -w 1 --start-date 2026-01-02 --end-date 2026-01-01",
            "'--end-date': must not be before --start-date, 2026-01-02",
        ),
        ("export README.md -w 1", "'FOLDER': README.md is not a folder"),
        ("setting min-date 2026-1-1", "must be a date in the form YYYY-MM-DD"),
        ("setting min-date 2025-W02-3", "must be a date in the form YYYY-MM-DD"),
        ("setting min-date 2026-01-01 --off", "give a date or --off, not both"),
        ("recount -w 0", "must be a whole number"),
        ("doctor --token x", "'--token': goes together with --workspace"),
        ("member set -u 1 -w 99999999999999999999", "must be a whole number"),
        ("send none.json", "'FILE': there is no file none.json"),
        ("import none", "'FOLDER': there is no folder none"),
        ("member set -w 1 -u 1 --permission read_users_activty", "add --allow-unknown to store it"),
        (f"member set -w 1 -u 1{' --permission x' * 61}", "60 times at most"),
        ("token issue -u 1 --ability use_agent", "add --allow-unknown to store it"),
        ("token issue -u 1 --allow-unknown --ability \x85", "printable"),
        ("token issue -u 1 --expires-in-days 36501", "must be a whole number from 1 to 36,500"),
        (f"token issue -u 1 --tokenable-type {'x' * 256}", "1 to 255 printable characters"),
        ("token revoke 9223372036854775808", "must be a whole number from 1 to"),
        ("token list -u 0", "must be a whole number from 1 to"),
        ("forget-user 011", "must be a whole number from 1 to"),
        ("doctor -w 1 --token “1|secret”", "plain characters"),
        ("setting check-caller -w 1 --token “1|secret”", "plain characters"),
        ("--endpoint= member list -w 1", "'--endpoint': must be a URL such as http://"),
        ("--endpoint 127.0.0.1 doctor", "'--endpoint': must be a URL such as http://"),
        ("--endpoint http://[::1 doctor", "'--endpoint': must be a URL such as http://"),
        ("--endpoint http://127.0.0.1:x doctor", "'--endpoint': must be a URL such as http://"),
    ],
)
def test_an_invalid_argument_is_reported_in_one_sentence(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, arguments: str, sentence: str
) -> None:
    """The exit code is 2, nothing is done, and the sentence names the command's help."""
    monkeypatch.chdir(ROOT)
    code, out, err = run(*arguments.split(" "))
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert sentence in line
    assert re.search(r" \(usagectl[a-z -]* --help tells more\)\.$", line)
    assert not (ROOT / "out").exists()


def test_values_at_their_limits_are_taken(run: Callable[..., Ran]) -> None:
    """These commands then look for a deployment, and find none."""
    number = 2**63 - 1
    for arguments in (
        f"member set -w {number} -u {number}{' --permission read_users_activity' * 60}",
        f"token issue -u 1 --expires-in-days 36500 --tokenable-type {'x' * 255}",
        "export out -w 1 --start-date 2026-01-02 --end-date 2026-01-02",
    ):
        code, _, err = run("--endpoint", "http://127.0.0.1:9", *arguments.split())
        assert (code, err) == (
            1,
            "No local stack answers at http://127.0.0.1:9; make run starts one.\n",
        )


def test_a_missing_deployment_is_reported_in_one_sentence() -> None:
    """Without credentials, or without the profile: no stack trace."""
    for option in (("--region", "us-east-1"), ("--profile", "none")):
        sentence = run_command(*option, "doctor").sentence
        assert sentence.startswith("AWS can't be called: ")
        assert sentence.endswith(".")


def test_a_folder_without_data_is_refused(run: Callable[..., Ran], tmp_path: Path) -> None:
    """If its files have similar names, the sentence says which ones are read."""
    code, _, err = run("import", tmp_path, "--dry-run")
    assert code == 2
    assert f"{tmp_path} has none of the files that are read: tokens.ndjson, " in err
    for name in ("Executions.ndjson", "execution.ndjson", "media.zip"):
        (tmp_path / name).touch()
    code, _, err = run("import", tmp_path, "--dry-run")
    assert code == 2
    assert "Executions.ndjson (did you mean executions.ndjson?)" in err
    assert "execution.ndjson (did you mean executions.ndjson?)" in err
    assert "media.zip (did you mean media?)" in err


def test_files_that_are_not_read_are_named(run: Callable[..., Ran], tmp_path: Path) -> None:
    """The other files are read."""
    (tmp_path / "members.ndjson").touch()
    (tmp_path / "archive.ndjson").touch()
    (tmp_path / "notes").touch()
    (tmp_path / ".hidden").touch()
    code, out, err = run("import", tmp_path, "--dry-run")
    assert (code, out) == (0, "Can be loaded: nothing.\n")
    assert err.splitlines() == [
        f"Warning: {tmp_path}/archive.ndjson is not read: did you mean archived.ndjson?",
        f"Warning: {tmp_path}/notes is not read.",
    ]


def test_a_number_that_is_out_of_range_is_reported(run: Callable[..., Ran], tmp_path: Path) -> None:
    """With the place and the beginning of its line. The other lines are checked as well."""
    (tmp_path / "members.ndjson").write_text(
        '{"workspace_id":81,"user_id":1,"permissions":[],"note":1e99999999999999999999}\n'
        '{"workspace_id":81,"user_id":2,"permissions":[]}\n'
    )
    report = tmp_path / ".rejected.txt"
    code, out, _ = run("import", tmp_path, "--dry-run")
    assert code == 3
    assert out.splitlines() == [
        "Can be loaded: 1 from members.ndjson.",
        f"1 line or file can't be used; {report} says which, and why.",
    ]
    assert report.read_text() == (
        "members.ndjson:1: contains a number that is out of range"
        ' | {"workspace_id":81,"user_id":1,"permissions":[],"note":1e99999999999999999999}\n'
    )
    code, out, _ = run("import", tmp_path, "--dry-run", "--json")
    assert code == 3
    assert json.loads(out) == {
        "dry_run": True,
        "loaded": {"members.ndjson": 1},
        "kept": {},
        "rejected": 1,
        "report": str(report),
    }


def test_prepared_rows_and_lines_that_can_not_be_used_are_told(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    """Of two lines with the same key, the later one is written. Members are left out."""
    write_large_data_set(tmp_path / "set", 100)
    lines = (tmp_path / "set" / "executions.ndjson").read_text()
    again = lines.splitlines(keepends=True)[0]
    (tmp_path / "set" / "executions.ndjson").write_text(f"{lines}{again}broken\n")
    (tmp_path / "set" / "members.ndjson").write_text("broken\n")
    output, report = tmp_path / "tables", tmp_path / "set" / ".rejected.txt"
    code, out, _ = run("prepare", tmp_path / "set", output)
    assert code == 3
    assert out.splitlines() == [
        f"80 rows in {output / 'executions'}.",
        f"15 rows in {output / 'archived_executions'}.",
        f"5 rows in {output / 'edited_chats'}.",
        "1 line left out: a later line of the file has the same key.",
        f"1 line or file can't be used; {report} says which, and why.",
    ]
    assert report.read_text() == "executions.ndjson:82: is not JSON (character 1) | broken\n"
    code, out, _ = run("prepare", tmp_path / "set", tmp_path / "other", "--json")
    assert code == 3
    assert json.loads(out) == {
        "written": {"executions.ndjson": 80, "archived.ndjson": 15, "edited.ndjson": 5},
        "replaced": 1,
        "rejected": 1,
        "report": str(report),
    }


def test_rows_are_prepared_in_an_empty_folder_only(run: Callable[..., Ran], tmp_path: Path) -> None:
    """Files of another data set there would become rows of the tables."""
    write_large_data_set(tmp_path / "set", 100)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for output in (tmp_path / "set", tmp_path / "full", tmp_path / "full" / "file"):
        code, _, err = run("prepare", tmp_path / "set", output)
        assert code == 2
        assert "is not an empty folder" in err
    (tmp_path / "members").mkdir()
    (tmp_path / "members" / "members.ndjson").touch()
    code, _, err = run("prepare", tmp_path / "members", tmp_path / "new")
    assert code == 2
    assert "has no files of rows" in err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("option", ["--rejected", "--checkpoint"])
def test_an_import_writes_over_no_file_that_is_not_its_own(
    run: Callable[..., Ran], tmp_path: Path, option: str
) -> None:
    """It also refuses a path at which there can't be a file."""
    lines = tmp_path / "members.ndjson"
    lines.write_text("broken\n")
    (tmp_path / "media").mkdir()
    other = tmp_path / "letter.txt"
    other.write_text("precious\n")
    paths = (lines, tmp_path / "media" / "x", tmp_path / "none" / "x", tmp_path / "media", other)
    for path in paths:
        code, _, err = run("import", tmp_path, "--dry-run", option, path)
        assert code == 2
        assert f"'{option}': " in err
    assert (lines.read_text(), other.read_text()) == ("broken\n", "precious\n")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["export", "", "-w", "1"], "FOLDER"),
        (["import", ""], "FOLDER"),
        (["import", ".", "--checkpoint", ""], "--checkpoint"),
        (["import", ".", "--rejected", ""], "--rejected"),
        (["prepare", ".", ""], "OUTPUT"),
        (["send", ""], "FILE"),
    ],
)
def test_an_empty_path_is_not_the_current_folder(
    run: Callable[..., Ran],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    name: str,
) -> None:
    """A script whose variable is not set must not write into any folder, or read from it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "members.ndjson").touch()
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert f"Invalid value for '{name}" in err
    assert "must not be empty" in err
    assert [path.name for path in tmp_path.iterdir()] == ["members.ndjson"]


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (20_000, "20,000 rows")])
def test_numbers_agree_with_their_nouns(number: int, text: str) -> None:
    """Also if the plural is not made with an s."""
    assert number_of(number, "row") == text
    assert number_of(2, "entry", "entries") == "2 entries"
