"""The services behind the functions: moto's DynamoDB, S3, Systems Manager, EventBridge and SQS.

moto keeps its state in globals, which tests that use moto themselves would clear; in a process of
its own it is nobody else's, and starts while the rest does. It ends when its standard input does,
so that nothing can leave it behind.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from local.aws import CONFIG, CREDENTIALS, NO_CONFIGURATION, session
from local.errors import StartError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

_ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the services answer."""

    dynamodb: str
    events: str
    s3: str
    sqs: str
    ssm: str

    @classmethod
    def all_at(cls, url: str, dynamodb: str | None = None) -> Self:
        """Every service at ``url``, but for DynamoDB where that is elsewhere."""
        return cls(dynamodb=dynamodb or url, events=url, s3=url, sqs=url, ssm=url)

    @property
    def variables(self) -> dict[str, str]:
        """The variables that lead botocore there, for functions that declare them."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb,
            "AWS_ENDPOINT_URL_S3": self.s3,
            "AWS_ENDPOINT_URL_SQS": self.sqs,
            "AWS_ENDPOINT_URL_SSM": self.ssm,
        }


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients of the services at ``endpoints``."""

    dynamodb: "DynamoDBClient"
    events: "EventBridgeClient"
    s3: "S3Client"
    sqs: "SQSClient"
    ssm: "SSMClient"

    @classmethod
    def of(cls, endpoints: Endpoints) -> Self:
        """Clients that reach ``endpoints`` and nothing else."""
        aws = session()
        return cls(
            dynamodb=aws.client("dynamodb", endpoint_url=endpoints.dynamodb, config=CONFIG),
            events=aws.client("events", endpoint_url=endpoints.events, config=CONFIG),
            s3=aws.client("s3", endpoint_url=endpoints.s3, config=CONFIG),
            sqs=aws.client("sqs", endpoint_url=endpoints.sqs, config=CONFIG),
            ssm=aws.client("ssm", endpoint_url=endpoints.ssm, config=CONFIG),
        )


class MotoServer:
    """A process with moto's server; it starts in the background. ``port`` 0 takes a free one."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self._port = port
        self._host = host
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-P", "-m", "local.moto_server", host, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **CREDENTIALS,
                **NO_CONFIGURATION,
                "PATH": os.environ.get("PATH", ""),
                "PYTHONPATH": str(_ROOT),
            },
            # Ctrl-C in the terminal is for the stack, which then ends this one.
            process_group=0,
        )

    def url(self) -> str:
        """Where it answers; waits until it does.

        Raises:
            StartError: it ended instead.
        """
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        port = self._process.stdout.readline().decode().strip()
        if not port:
            raise StartError(
                f"moto's server, the store of this stack, did not start on {self._host}, port"
                f" {self._port}: is it in use?"
            )
        return f"http://{self._host}:{port}"

    def stop(self) -> None:
        """Ends the process; what it stored is gone."""
        self._process.kill()
        self._process.communicate()
