"""Checks the names that the template chooses: nobody else may have a resource of that name.

CloudFormation makes up the names of most resources, and these never collide.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tools.deploy.findings import Finding, failure, fine
from tools.deploy.target import Target
from tools.deploy.template import is_retained

_SUBJECT: Final = "names"


@dataclass(frozen=True, slots=True)
class NamedType:
    """A type of resources whose names are unique in an account and region.

    Attributes:
        word: what such a resource is called.
        property: the property that has the name.
        service: the service to ask, as boto3 calls it.
        is_there: whether there is one with this name, asked with a client of the service.
        delete: the command that deletes one, without the name at its end.
    """

    word: str
    property: str
    service: str
    is_there: Callable[[Any, str], bool]
    delete: str


def _has_log_group(logs: Any, name: str) -> bool:
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in groups)


def _has_bus(events: Any, name: str) -> bool:
    buses = events.list_event_buses(NamePrefix=name)["EventBuses"]
    return any(bus["Name"] == name for bus in buses)


def _has_parameter(ssm: Any, name: str) -> bool:
    return bool(ssm.get_parameters(Names=[name])["Parameters"])


def _has_dashboard(cloudwatch: Any, name: str) -> bool:
    found = cloudwatch.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    return any(dashboard["DashboardName"] == name for dashboard in found)


def _has_web_acl(wafv2: Any, name: str) -> bool:
    # 100 is all that a region can have, unless its quota was raised.
    found = wafv2.list_web_acls(Scope="REGIONAL", Limit=100)["WebACLs"]
    return any(web_acl["Name"] == name for web_acl in found)


NAMED_TYPES: Final[Mapping[str, NamedType]] = {
    "AWS::Logs::LogGroup": NamedType(
        word="log group",
        property="LogGroupName",
        service="logs",
        is_there=_has_log_group,
        delete="aws logs delete-log-group --log-group-name",
    ),
    "AWS::Events::EventBus": NamedType(
        word="event bus",
        property="Name",
        service="events",
        is_there=_has_bus,
        delete="aws events delete-event-bus --name",
    ),
    "AWS::SSM::Parameter": NamedType(
        word="parameter",
        property="Name",
        service="ssm",
        is_there=_has_parameter,
        delete="aws ssm delete-parameter --name",
    ),
    "AWS::CloudWatch::Dashboard": NamedType(
        word="dashboard",
        property="DashboardName",
        service="cloudwatch",
        is_there=_has_dashboard,
        delete="aws cloudwatch delete-dashboards --dashboard-names",
    ),
    # `aws wafv2 list-web-acls` shows id and lock token.
    "AWS::WAFv2::WebACL": NamedType(
        word="web ACL",
        property="Name",
        service="wafv2",
        is_there=_has_web_acl,
        delete="aws wafv2 delete-web-acl --scope REGIONAL --id ID --lock-token TOKEN --name",
    ),
}


def check_names(target: Target) -> Iterator[Finding]:
    """Yields a failure for each name that is taken, among the resources not deployed yet."""
    are_free = True
    for logical_id, resource in target.template.resources():
        named = NAMED_TYPES.get(resource["Type"])
        if named is None or logical_id in target.deployed_ids:
            continue
        name = target.template.resolve(resource, named.property)
        if name is not None and named.is_there(target.client(named.service), name):
            are_free = False
            yield failure(_SUBJECT, _advice(target, named, name, is_kept=is_retained(resource)))
    if are_free:
        yield fine(_SUBJECT, "those that the template chooses are free")


def _advice(target: Target, named: NamedType, name: str, *, is_kept: bool) -> str:
    take_over = f"take it over with `make take-over ENV={target.environment.name}`, or "
    return (
        f"the {named.word} {name} exists already, perhaps from a stack that was deleted;"
        f" {take_over if is_kept else ''}delete it with"
        f" `{named.delete} {name} --region {target.region}`"
    )
