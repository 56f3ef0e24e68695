"""Loads what the stack serves: the demo, or a data set of the developer's own."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from local.data.banner import data_banner, demo_banner
from local.data.demo import ACCOUNTS, DemoAccount, write_demo
from local.data.rejections import Rejections
from local.data.suggestion import suggest
from usagectl.data_set.payload_files import count_lines
from usagectl.loading.loader import Loader
from usagectl.progress_bar import ProgressBar
from usagectl.resources import Resources


class ServedData(Protocol):
    """Data that the stack serves.

    Attributes:
        accounts: the accounts that the page offers, or none if the data is not made up.
    """

    accounts: Sequence[DemoAccount]

    def load(self, resources: Resources) -> None:
        """Loads it into the store."""

    def banner(self, url: str) -> str:
        """Returns the text that is printed when the stack serves it at ``url``."""


class Demo:
    """The demo data."""

    accounts: Sequence[DemoAccount] = ACCOUNTS

    def load(self, resources: Resources) -> None:
        """Makes the demo's data set, and loads it into the store."""
        with tempfile.TemporaryDirectory() as folder:
            write_demo(Path(folder), datetime.now(UTC))
            _load(resources, Path(folder))

    def banner(self, url: str) -> str:
        """Returns the demo's banner."""
        return demo_banner(url, self.accounts)


class OwnDataSet:
    """A data set of the developer's own."""

    accounts: Sequence[DemoAccount] = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, resources: Resources) -> None:
        """Loads it into the store."""
        print(f"Loading {self._folder} ...", flush=True)
        print(f"Loaded {_load(resources, self._folder)}.", flush=True)

    def banner(self, url: str) -> str:
        """Returns a banner with a request that fits the data set."""
        return data_banner(url, suggest(self._folder, datetime.now(UTC).date()))


def _load(resources: Resources, folder: Path) -> str:
    """Loads a data set, and shows which lines can't be used; returns a text: what was loaded."""
    lines = count_lines(folder)
    bar = ProgressBar("loading", "lines", lines, delay_seconds=1)
    with Rejections() as rejections, bar:
        loader = Loader(resources, advance=bar.advance, reject=rejections.add)
        report = loader.load(folder)
    loaded = (f"{number:,} from {file}" for file, number in report.loaded.items() if number)
    return ", ".join(loaded) or "nothing"
