"""What ends a command: one sentence for the operator, and exit code 1."""


class CommandError(Exception):
    """A command can't be carried out; the text says why, and what would help."""
