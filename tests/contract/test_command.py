"""The command behind ``make run``: what it prints works, and it stops and fails cleanly."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import httpx
import pytest

from local.__main__ import main
from local.data.demo import ACCOUNTS, write_demo
from tests.support.functions import ROOT
from tests.support.local_functions import wait_until

pytestmark = pytest.mark.xdist_group("command")

PATIENCE = 300
"""Seconds after which the command hangs, even on a slow machine."""


ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT / "layers" / "core"), str(ROOT)]),
}


class Command:
    """``python -m local`` with some arguments, as a process."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "--port", "0", *arguments],
            cwd=ROOT,
            env={**ENVIRONMENT, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._readers = [Thread(target=self._read)]
        self.errors: list[str] = []
        self._readers.append(Thread(target=self._read_errors))
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(line.rstrip("\n") for line in self.process.stderr)

    def read_until(self, end: str) -> list[str]:
        """Returns the lines that it prints, up to the line ``end``."""
        lines: list[str] = []
        try:
            while not lines or lines[-1] != end:
                lines.append(self._lines.get(timeout=PATIENCE))
        except Empty:
            pytest.fail(f"it never said {end!r}, but {lines} and {self.errors}")
        return lines

    def read_available(self) -> list[str]:
        """Returns the lines that it has printed since the last read."""
        return [self._lines.get() for _ in range(self._lines.qsize())]

    def end(self, signal_number: int | None = None) -> int:
        """Waits for the end, after a signal if one is given; returns the exit code."""
        if signal_number is not None:
            self.process.send_signal(signal_number)
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code

    def descendants(self) -> set[int]:
        """The ids of all processes that it started."""
        found, new = set[int](), {self.process.pid}
        while new:
            parents = found | new
            found, new = parents, set()
            for status in Path("/proc").glob("[0-9]*/stat"):
                try:
                    text = status.read_text()
                except OSError:
                    continue  # it has ended meanwhile
                parent = int(text.rpartition(")")[2].split()[1])
                if parent in parents and int(status.parent.name) not in parents:
                    new.add(int(status.parent.name))
        return found - {self.process.pid}


@pytest.fixture(scope="module")
def demo() -> Iterator[list[str]]:
    """The lines that ``make run`` prints, while it serves. Ctrl-C ends it and its processes."""
    command = Command()
    yield command.read_until("Ctrl-C stops it.")
    end_with_all_processes(command, signal.SIGINT)


def end_with_all_processes(command: Command, *numbers: int) -> None:
    """Ends a command with signals, and checks the exit code and that it leaves no process."""
    started = command.descendants()
    assert started
    for number in numbers[:-1]:
        command.process.send_signal(number)
    assert command.end(numbers[-1]) == 0
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


def paste(line: str) -> httpx.Response:
    """Returns the response that a printed curl command would get; a pipe behind it is ignored."""
    words = shlex.split(line.partition(" | ")[0].strip())
    assert words[:2] == ["curl", "-s"]
    headers, body, url = {}, None, ""
    options = iter(words[2:])
    for word in options:
        if word == "-H":
            name, _, value = next(options).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(options)
            if body.startswith("@"):
                body = (ROOT / body[1:]).read_text("utf-8")
        else:
            url = word
    return httpx.request("POST" if body else "GET", url, headers=headers, content=body, timeout=300)


def test_the_printed_request_works_with_each_token(demo: list[str]) -> None:
    """With the result that the banner tells beside the token."""
    (curl,) = [line for line in demo if line.startswith("  curl")]
    said = dict(line[4:].split("  ", 1) for line in demo if line.startswith("  # "))
    assert {token: may.strip() for token, may in said.items()} == {
        account.token: account.description for account in ACCOUNTS
    }
    curl = curl.replace("per_page=2", "per_page=100")
    answers = [paste(curl.replace(ACCOUNTS[0].token, token)) for token in said]
    assert [answer.status_code for answer in answers] == [200, 200, 403, 403, 401]
    ana, bo = answers[0].json(), answers[1].json()
    assert len({item["user_id"] for item in ana["items"]}) > 1
    assert {item["user_id"] for item in bo["items"]} == {2}


def test_a_link_of_the_demo_shows_its_file(demo: list[str]) -> None:
    """Presigned URLs lead to the real files, with their types."""
    line = next(line for line in demo if line.startswith("  curl"))
    line = line.replace("per_page=2", "per_page=100&type=image")
    links = [item["link"] for item in paste(line).json()["items"] if item["link"]]
    signed = [link for link in links if "X-Amz-Signature" in link]
    assert any("p%C3%B4r%20do%20sol%20%2B%20praia.png" in link for link in signed)
    for link in signed:
        answer = httpx.get(link, timeout=300)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
        assert answer.content.startswith(b"\x89PNG")


def test_the_commands_printed_for_a_data_set_work(tmp_path: Path) -> None:
    """The first command issues a token, and the second one's request works with it.

    SIGTERM right behind Ctrl-C also ends the stack and all of its processes.
    """
    write_demo(tmp_path, datetime.now(UTC))
    with (tmp_path / "members.ndjson").open("a", encoding="utf-8") as members:
        members.write('{"workspace_id": 11}\nno json\n')
    command = Command("--store", "moto", "--data", str(tmp_path))
    lines = [line.strip() for line in command.read_until("Ctrl-C stops it.")]
    (issue,) = [line for line in lines if line.startswith("TOKEN=$(bin/usagectl ")]
    tool = [sys.executable, "-m", "usagectl", *shlex.split(issue[len("TOKEN=$(") : -1])[1:]]
    issued = subprocess.run(tool, cwd=ROOT, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE)
    token = issued.stdout.decode().strip()
    (curl,) = [line for line in lines if line.startswith("curl ")]
    answer = paste(curl.replace("$TOKEN", token))
    end_with_all_processes(command, signal.SIGINT, signal.SIGTERM)
    assert answer.status_code == 200
    assert answer.json()["items"]
    (said,) = [line for line in command.errors if " GET /workspaces/usage " in line]
    assert re.search(r" 200 \d+ ms user 1 workspace 11 cache miss$", said)
    assert not any(token in line for line in command.errors)
    assert "2 lines can't be used:" in command.errors
    for reason in (r"user_id: ", r"is not JSON"):
        assert any(re.match(rf"\s*members.ndjson:\d+: {reason}", line) for line in command.errors)


def test_a_second_signal_changes_nothing() -> None:
    """During the start, and while it stops."""
    command = Command("--store", "moto")
    command.read_until("The store is moto: it was asked for.")
    started = command.descendants()
    number = signal.SIGTERM
    while command.process.poll() is None:
        command.process.send_signal(number)
        number = signal.SIGINT
    command.end()
    assert command.read_available() == ["Stopped."]
    # What was not known yet when the first came ends with its input.
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started))


# --- Errors, which need no process ----------------------------------------------------------------


@pytest.fixture
def sentence_of(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """Returns a function that runs the command in this process, and returns its error."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]

    def run(*arguments: str) -> str:
        assert main(["--port", "0", *arguments]) == 1
        (sentence,) = capsys.readouterr().err.splitlines()
        return sentence

    yield run
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_a_port_in_use_is_an_error_of_one_sentence(sentence_of: Callable[..., str]) -> None:
    """The line has the port: the API's or the store's."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        used = sentence_of("--store", "moto", "--port", str(port))
        assert re.fullmatch(rf"port {port} of 127\.0\.0\.1 can't be used: .+", used)
        assert f"port {port}" in sentence_of("--store-port", str(port))


BROKEN = "Resources: [\n"


@pytest.mark.parametrize(
    ("arguments", "endpoint", "sentence"),
    [
        ("--data no/such", "", "there is no folder no/such"),
        ("--template no/such.yaml", "", "no/such.yaml can't be read: .+"),
        ("--template broken.yaml", "", "broken.yaml, line 2 is not YAML: .+"),
        ("DefaultLocale=fr", "", "DefaultLocale must be one of en, pt_BR, es, not 'fr'"),
        ("Nonsense=1", "", "the template has no parameter Nonsense; it has .+"),
        ("nonsense", "", ".*'nonsense' is not of the form Name=value.*"),
        ("", "localhost", "DYNAMODB_ENDPOINT has to be a URL.+"),
        ("", "http://127.0.0.1:9", "the store at .+ can't be used: .+"),
    ],
)
def test_wrong_input_is_an_error_of_one_sentence(
    sentence_of: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: str,
    endpoint: str,
    sentence: str,
) -> None:
    """One line has the reason. No store is started for what is known before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DYNAMODB_ENDPOINT", endpoint)
    Path("broken.yaml").write_text(BROKEN)
    store = () if endpoint else ("--store", "moto")
    assert re.fullmatch(sentence, sentence_of(*store, *arguments.split()))


def test_an_error_is_the_exit_code_of_the_process() -> None:
    command = Command("--data", "no/such")
    assert command.end() == 1
    assert command.errors == ["there is no folder no/such"]
