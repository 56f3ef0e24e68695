"""The operator's tool, and the loading of data sets that `make run` shares with it."""

from typing import Final

VERSION: Final = "0.1.0"
"""The version of the project; there is no release yet."""
