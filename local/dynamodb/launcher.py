"""The class that Java runs: one of our own lets DynamoDB Local listen on 127.0.0.1 alone.

``LoopbackServer.java`` is compiled once, into the folder of the jars. Compiling takes a few
seconds; running the source file would take as long at each start. A Java without a compiler runs
DynamoDB Local's own class, which listens on every interface of the machine.
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
        StartError: it can't be compiled, or the class can't be stored.
    """
    # The folder's name depends on the source, so a changed source is compiled again.
    folder = jars / f"launcher-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:12]}"
    compiled = folder / f"{_SOURCE.stem}.class"
    if compiled.exists():
        return compiled
    try:
        with TemporaryDirectory(dir=jars) as made:
            if not _compile(java, jars, made):
                return None
            folder.mkdir(exist_ok=True)
            # Moved as a whole: another process may be starting at the same time.
            Path(made, compiled.name).replace(compiled)
    except OSError as error:
        raise StartError(f"DynamoDB Local did not start: its launcher: {error}") from None
    return compiled


def _compile(java: str, jars: Path, folder: str) -> bool:
    """Compiles into ``folder``; returns False if there is no compiler.

    Raises:
        StartError: the source can't be compiled.
    """
    class_path = os.pathsep.join(str(jar) for jar in jars.glob("*.jar"))
    result = subprocess.run(  # noqa: S603 - our own command
        [
            *(java, "-XX:-UsePerfData", "-m", f"{_COMPILER}/com.sun.tools.javac.Main"),
            # Not --release, which needs a file that only a JDK has.
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
    if result.returncode == 0 and Path(folder, f"{_SOURCE.stem}.class").exists():
        return True
    output = f"{result.stdout}{result.stderr}"
    if f"Module {_COMPILER} not found" in output:
        return False
    reason = next((line for line in output.splitlines() if "rror" in line), "no reason given")
    raise StartError(f"DynamoDB Local did not start: {reason.strip()}")
