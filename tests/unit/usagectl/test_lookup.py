"""Which stack in AWS a command works on: the one that its options name."""

from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.support.command import run
from tests.support.http_server import Reply, serving

NO_STACK = b"""<ErrorResponse><Error><Code>ValidationError</Code>
<Message>Stack with id prod does not exist</Message></Error></ErrorResponse>"""

CREDENTIALS = """[default]
aws_access_key_id = MINE
aws_secret_access_key = x
[operator]
aws_access_key_id = OPERATORS
aws_secret_access_key = x
"""


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yields the URL of a CloudFormation without stacks, and whom it is asked by and for what."""
    asked: list[tuple[str, str]] = []

    def reply(_: str, headers: Message, body: bytes) -> Reply:
        (stack,) = parse_qs(body.decode())["StackName"]
        asked.append((headers["Authorization"], stack))
        return 400, NO_STACK

    with serving(reply) as url:
        yield url, asked


def test_the_options_say_which_stack_it_is(
    cloudformation: tuple[str, list[tuple[str, str]]], tmp_path: Path
) -> None:
    """In which region and account, too: the environment's may have a stack of the same name."""
    url, asked = cloudformation
    (tmp_path / "credentials").write_text(CREDENTIALS, "utf-8")
    variables = {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_CLOUDFORMATION": url,
        "NO_PROXY": "127.0.0.1",
        "USAGECTL_STACK": "dev",
    }
    options = ("--stack", "prod", "--region", "eu-west-1", "--profile", "operator")
    for given, key, region, stack in (
        (options, "OPERATORS", "eu-west-1", "prod"),
        ((), "MINE", "us-east-1", "dev"),
    ):
        sentence = run(*given, "member", "show", "-w", "1", "-u", "1", **variables).sentence
        assert sentence.startswith(f"There is no stack {stack} in {region}; ")
        (signed, name) = asked.pop()
        credential = signed.partition("Credential=")[2].split("/")
        assert (credential[0], credential[2], name) == (key, region, stack)
        assert not asked
