"""Takes out of the layer what no function loads, and fails loudly when that can't be right.

    python3.13 prune.py FOLDER

botocore comes with the descriptions of four hundred services, and reads those of a whole service to
make one call. Here it keeps six services, and of each the operations that the functions call. The
other libraries lose the parts that are for other uses. A path that is not there any more ends the
build, as does a client that can't make its calls afterwards: an upgrade must not go unseen.

It is only ever a build step. What is installed for development is complete.
"""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    "dynamodb": frozenset(
        {"BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems"}
    ),
    "events": frozenset({"DescribeRule"}),
    "lambda": frozenset({"GetEventSourceMapping"}),
    "s3": frozenset(
        {
            "CompleteMultipartUpload",
            "CreateMultipartUpload",
            "GetPublicAccessBlock",
            "HeadBucket",
            "HeadObject",
            "UploadPart",
        }
    ),
    "sqs": frozenset({"GetQueueAttributes", "SendMessage"}),
    "ssm": frozenset({"GetParameter"}),
}
"""The services that the functions use, and what they call of them."""

SHARED_DATA: Final = frozenset(
    {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
)
MODEL: Final = "service-2.json.gz"
RULES: Final = "endpoint-rule-set-1.json.gz"

UNUSED: Final = (
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/utilities/batch",
    "aws_lambda_powertools/utilities/data_classes",
    "aws_lambda_powertools/utilities/data_masking",
    "aws_lambda_powertools/utilities/feature_flags",
    "aws_lambda_powertools/utilities/idempotency",
    "aws_lambda_powertools/utilities/kafka",
    "aws_lambda_powertools/utilities/parameters",
    "aws_lambda_powertools/utilities/parser",
    "aws_lambda_powertools/utilities/streaming",
    "aws_lambda_powertools/utilities/validation",
    "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz",
    "pydantic/mypy.py",
    "pydantic/v1",
)
"""Parts of the libraries that are for other uses."""

_CHECK: Final = """
import botocore.session
session = botocore.session.get_session()
for service, operations in {operations!r}.items():
    client = session.create_client(
        service, region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-"
    )
    list(client.meta.service_model.client_context_parameters)
    for operation in operations:
        model = client.meta.service_model.operation_model(operation)
        shapes = [model.input_shape, model.output_shape, *model.error_shapes]
        while shapes:
            shape = shapes.pop()
            if shape.type_name == "structure" and shape.name != "AttributeValue":
                shapes += shape.members.values()
            elif shape.type_name == "list":
                shapes.append(shape.member)
            elif shape.type_name == "map":
                shapes += [shape.key, shape.value]
import aws_lambda_powertools.logging, aws_lambda_powertools.metrics, orjson, pydantic
"""


def main(folder: Path) -> None:
    """Prunes the packages in ``folder``.

    Raises:
        SystemExit: something that is needed, or that is to be taken out, is not there.
    """
    data = folder / "botocore" / "data"
    keep = {*SHARED_DATA, *OPERATIONS}
    missing = keep - {path.name for path in data.iterdir()}
    if missing:
        sys.exit(f"botocore has no data/{min(missing)} any more")
    for path in data.iterdir():
        if path.name not in keep:
            remove(path)
    for service, operations in OPERATIONS.items():
        prune_service(data / service, operations)
    prune_endpoints(data / "endpoints.json")
    for name in UNUSED:
        if not (folder / name).exists():
            sys.exit(f"{name} is not there any more: see what has become of it, and mend prune.py")
        remove(folder / name)
    check(folder)


def prune_service(folder: Path, operations: frozenset[str]) -> None:
    """Leaves a service's newest version, with some operations and what they are made of."""
    *older, version = sorted(path for path in folder.iterdir() if path.is_dir())
    for path in older:
        remove(path)
    for path in version.iterdir():
        if path.name not in {MODEL, RULES}:
            remove(path)
    model = _read(version / MODEL)
    unknown = operations - model["operations"].keys()
    if unknown:
        sys.exit(f"{folder.name} has no operation {min(unknown)} any more")
    model["operations"] = {name: model["operations"][name] for name in sorted(operations)}
    shapes = set(_reachable(model, model["operations"]))
    model["shapes"] = {name: model["shapes"][name] for name in sorted(shapes)}
    # botocore reads the documentation of these parameters.
    described = {name: model[name] for name in ("clientContextParams",) if name in model}
    _write(version / MODEL, {**_without_documentation(model), **described})
    _write(version / RULES, _read(version / RULES))


def _reachable(model: Mapping[str, Any], operations: Any) -> Iterator[str]:
    """The names of all shapes that operations lead to."""
    found = set[str]()
    left: list[Any] = [operations]
    while left:
        tree = left.pop()
        if isinstance(tree, list):
            left += tree
        elif isinstance(tree, dict):
            name = tree.get("shape")
            if isinstance(name, str) and name in model["shapes"] and name not in found:
                found.add(name)
                yield name
                left.append(model["shapes"][name])
            left += tree.values()


def _without_documentation(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_without_documentation(value) for value in tree]
    if isinstance(tree, dict):
        return {
            name: _without_documentation(value)
            for name, value in tree.items()
            if not (name == "documentation" and isinstance(value, str))
        }
    return tree


def prune_endpoints(path: Path) -> None:
    """Leaves the services that are used, in all partitions."""
    endpoints = json.loads(path.read_text("utf-8"))
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in OPERATIONS if name in services}
    path.write_text(json.dumps(endpoints, separators=(",", ":")), "utf-8")


def remove(path: Path) -> None:
    """Deletes a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def check(folder: Path) -> None:
    """Makes every client, and has it look up all that its calls are made of."""
    script = _CHECK.format(operations={name: sorted(ops) for name, ops in OPERATIONS.items()})
    environment = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-S", "-s", "-W", "error", "-c", script]
    if subprocess.run(command, env=environment, check=False).returncode:  # noqa: S603
        sys.exit("the functions' calls can't be made with what is left: mend prune.py")


def _read(path: Path) -> Any:
    with gzip.open(path) as file:
        return json.load(file)


def _write(path: Path, content: Any) -> None:
    # Without a time in it, so that the same packages give the same layer.
    text = json.dumps(content, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
