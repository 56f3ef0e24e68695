"""The template's event source mappings: which queue goes to which function, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from local.errors import TemplateError
from local.functions.invocation import Invoke
from local.template.template import Resource, Template, is_true

_SUPPORTED_PROPERTIES: Final = {
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
        is_enabled: whether the queue is polled from the start.
        function: the function's logical id.
        function_arn: the function's ARN without a version.
        invoke: invokes the function.
    """

    uuid: str
    queue_url: str
    queue_arn: str
    batch_size: int
    reports_failures: bool
    is_enabled: bool
    function: str
    function_arn: str
    invoke: Invoke


def event_source_mappings(
    template: Template, functions: Mapping[str, Invoke]
) -> list[EventSourceMapping]:
    """Returns the template's event source mappings.

    Args:
        template: the expanded template.
        functions: invoke its functions, by name.

    Raises:
        TemplateError: a mapping is not between a queue and a function of the template.
    """
    return [
        _to_mapping(resource, template, functions)
        for resource in template.of_type("AWS::Lambda::EventSourceMapping")
    ]


def _to_mapping(
    resource: Resource, template: Template, functions: Mapping[str, Invoke]
) -> EventSourceMapping:
    properties = resource.properties
    unknown = properties.keys() - _SUPPORTED_PROPERTIES
    if unknown:
        raise TemplateError(f"{resource.logical_id}: {min(unknown)} is not supported here")
    queues = {queue.arn: queue for queue in template.of_type("AWS::SQS::Queue")}
    by_name = {function.name: function for function in template.of_type("AWS::Lambda::Function")}
    queue, function = (
        queues.get(properties["EventSourceArn"]),
        by_name.get(properties["FunctionName"]),
    )
    if queue is None or function is None or function.name not in functions:
        raise TemplateError(f"{resource.logical_id}: only queues and functions of the template")
    return EventSourceMapping(
        uuid=resource.ref,
        queue_url=queue.ref,
        queue_arn=queue.arn,
        batch_size=int(properties.get("BatchSize", 10)),
        reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
        is_enabled=is_true(properties.get("Enabled", True)),
        function=function.logical_id,
        function_arn=function.arn,
        invoke=functions[function.name],
    )
