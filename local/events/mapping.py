"""The template's event source mappings: which queue goes to which function, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from local.errors import TemplateError
from local.functions.invocation import Invoke
from local.template.template import Resource, Template, is_true

_UNDERSTOOD: Final = {
    "BatchSize",
    "Enabled",
    "EventSourceArn",
    "FunctionName",
    "FunctionResponseTypes",
    "ScalingConfig",
}


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """A queue, and the function that its batches go to.

    Attributes:
        uuid: the mapping's id, by which it is paused.
        queue_url, queue_arn: the queue.
        batch_size: the most messages in a batch.
        reports_failures: whether the function says which messages of a batch failed.
        enabled: whether the queue is polled from the start.
        function: what the template calls the function.
        function_arn: the function's own ARN.
        invoke: how to invoke it.
    """

    uuid: str
    queue_url: str
    queue_arn: str
    batch_size: int
    reports_failures: bool
    enabled: bool
    function: str
    function_arn: str
    invoke: Invoke


def event_source_mappings(
    template: Template, functions: Mapping[str, Invoke]
) -> list[EventSourceMapping]:
    """The template's event source mappings; ``functions`` are its functions, by name.

    Raises:
        TemplateError: one of them is not between a queue and a function of the template.
    """
    return [
        _to_mapping(resource, template, functions)
        for resource in template.of_type("AWS::Lambda::EventSourceMapping")
    ]


def _to_mapping(
    resource: Resource, template: Template, functions: Mapping[str, Invoke]
) -> EventSourceMapping:
    given = resource.properties
    unknown = given.keys() - _UNDERSTOOD
    if unknown:
        raise TemplateError(f"{resource.logical_id}: {min(unknown)} is not understood here")
    queues = {found.arn: found for found in template.of_type("AWS::SQS::Queue")}
    named = {found.name: found for found in template.of_type("AWS::Lambda::Function")}
    queue, function = queues.get(given["EventSourceArn"]), named.get(given["FunctionName"])
    if queue is None or function is None or function.name not in functions:
        raise TemplateError(f"{resource.logical_id}: only queues and functions of the template")
    return EventSourceMapping(
        uuid=resource.ref,
        queue_url=queue.ref,
        queue_arn=queue.arn,
        batch_size=int(given.get("BatchSize", 10)),
        reports_failures="ReportBatchItemFailures" in given.get("FunctionResponseTypes", ()),
        enabled=is_true(given.get("Enabled", True)),
        function=function.logical_id,
        function_arn=function.arn,
        invoke=functions[function.name],
    )
