"""botocore's session and the functions' clients, which live as long as the process."""

from workspace_usage.aws import clients
from workspace_usage.aws.session import botocore_session


def forget_clients() -> None:
    """Forgets those that there are: they know the environment in which they were made."""
    botocore_session.cache_clear()
    clients._client.cache_clear()
