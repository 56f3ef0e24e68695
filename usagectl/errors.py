"""What ends a command: one sentence for the operator, and an exit code of 1.

CommandError
├── LoadError
└── UnreadableFile
"""


class CommandError(Exception):
    """A command can't do its work; the text says why, and what would help."""


class LoadError(CommandError):
    """A data set can't be loaded; the text says why."""


class UnreadableFile(CommandError):
    """A file of a data set can't be read at all, or not to its end; the text says which and why."""
