"""What ends a command: one sentence for the person who deploys."""


class DeployError(Exception):
    """The command can't do its work; the text says why, and what would help."""
