"""What Java is to run: DynamoDB Local on 127.0.0.1 alone, which takes a class of our own.

``LoopbackServer.java`` is compiled once, into the folder of the jars. That takes a few seconds, and
running it as a source file would take them at each start. A Java without a compiler runs DynamoDB
Local's own class, which listens on every interface of the machine.
"""

import hashlib
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from local.errors import StartError

OPEN_SERVER: Final = "software.amazon.dynamodb.services.local.main.ServerRunner"
"""DynamoDB Local's own main class."""

_SOURCE: Final = Path(__file__).with_name("LoopbackServer.java")
_COMPILER: Final = "jdk.compiler"


def loopback_class(java: str, jars: Path) -> Path | None:
    """Returns the compiled ``LoopbackServer.class``, or None if this Java has no compiler.

    Raises:
        StartError: it can't be compiled, or not be stored.
    """
    # One for each state of the source, so that a change of it is never missed.
    folder = jars / f"launcher-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:12]}"
    compiled = folder / f"{_SOURCE.stem}.class"
    if compiled.exists():
        return compiled
    try:
        with TemporaryDirectory(dir=jars) as made:
            if not _compile(java, jars, made):
                return None
            folder.mkdir(exist_ok=True)
            # Whole or not at all: another process may be starting, too.
            Path(made, compiled.name).replace(compiled)
    except OSError as error:
        raise StartError(f"DynamoDB Local did not start: its launcher: {error}") from None
    return compiled


def _compile(java: str, jars: Path, folder: str) -> bool:
    """Compiles into ``folder``; False if there is nothing to compile with."""
    class_path = os.pathsep.join(str(jar) for jar in jars.glob("*.jar"))
    answer = subprocess.run(  # noqa: S603 - our own command
        [
            *(java, "-XX:-UsePerfData", "-m", f"{_COMPILER}/com.sun.tools.javac.Main"),
            # Not --release: that takes a file which only a JDK has.
            *("-source", "17", "-target", "17", "-Xlint:-options", "-proc:none"),
            *("-cp", class_path, "-d", folder, str(_SOURCE)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env={"PATH": os.environ.get("PATH", "")},
        check=False,
    )
    if answer.returncode == 0 and Path(folder, f"{_SOURCE.stem}.class").exists():
        return True
    said = f"{answer.stdout}{answer.stderr}"
    if f"Module {_COMPILER} not found" in said:
        return False
    reason = next((line for line in said.splitlines() if "rror" in line), "no reason given")
    raise StartError(f"DynamoDB Local did not start: {reason.strip()}")
