"""The stack: starts and stops the template's store, functions, events and API."""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfoNotFoundError

from botocore.exceptions import BotoCoreError, ClientError

from local.clock import Clock
from local.data.demo import DemoAccount
from local.description import describe_stack
from local.errors import StartError, TemplateError
from local.events.events_api import EventsApi
from local.events.mapping import event_source_mappings
from local.events.mappings_api import MappingsApi
from local.events.outcomes import Outcomes
from local.events.poller import QueuePoller
from local.events.rules import rules_of
from local.functions.configuration import FunctionConfiguration
from local.functions.function import Function
from local.functions.invoke_api import InvokeApi
from local.gateway.gateway import Gateway
from local.log import Log, NoLog
from local.moto.process import MotoServer
from local.router import Router
from local.server import Server
from local.store.clients import Clients, Endpoints
from local.store.provision import provision
from local.template.expand import expand
from local.template.template import Template
from usagectl.local_endpoint import session
from usagectl.resources import Resources
from usagectl.row_batches import row_batches
from usagectl.service_clock import ServiceClock
from workspace_usage.recording.count_requests import CountQueue
from workspace_usage.rows.tables import Tables
from workspace_usage.rows.window import time_zone

TEMPLATE: Final = Path(__file__).parents[1] / "template.yaml"


class Stack:
    """A running stack, made by ``start``. It is a context manager, which stops the stack.

    Attributes:
        url: where its API answers. Paths have no stage in front, as with a custom domain.
        template: the expanded template, which knows the names of tables, bucket and parameter.
        clients: clients of the store.
    """

    def __init__(self, url: str, template: Template, clients: Clients, parts: ExitStack) -> None:
        self.url = url
        self.template = template
        self.clients = clients
        self._parts = parts

    @classmethod
    def start(
        cls,
        template: Path = TEMPLATE,
        parameters: Mapping[str, str] | None = None,
        *,
        port: int = 0,
        store_port: int = 0,
        store_host: str = "127.0.0.1",
        dynamodb_endpoint: str | None = None,
        log: Log | None = None,
        clock: Clock = time.monotonic,
        load: Callable[[Resources], object] | None = None,
        demo: Sequence[DemoAccount] = (),
    ) -> Self:
        """Starts the stack of a template. It serves nothing before the store is loaded.

        Args:
            template: the path of the template.
            parameters: values of its parameters; the others have their defaults.
            port: the port of 127.0.0.1 to serve on; 0 takes a free one.
            store_port: the port of moto; 0 takes a free one.
            store_host: the address of moto; containers may need another than 127.0.0.1.
            dynamodb_endpoint: the URL of a DynamoDB to use instead of moto's.
            log: takes what happens, from any thread.
            clock: the time for web ACL, cache, throttle and log.
            load: loads data into the store; without it, the store is empty.
            demo: the accounts that the page offers, if the demo is what is loaded.

        Raises:
            TemplateError: the template or a parameter can't be used.
            StartError: the stack can't be started for another reason.
        """
        _check_endpoint(dynamodb_endpoint)
        log = log or NoLog()
        with ExitStack() as parts:
            server = Server(port)
            parts.callback(server.close)
            moto = MotoServer(store_port, store_host)
            parts.callback(moto.stop)
            expanded = expand(template, parameters or {})
            endpoints = Endpoints.all_at(moto.url(), dynamodb=dynamodb_endpoint)
            clients = Clients.at(endpoints)
            functions = _make_functions(expanded, endpoints, server.url, log)
            outcomes = Outcomes()
            pollers = _make_pollers(expanded, functions, clients, outcomes, log)
            for poller in pollers:
                parts.callback(poller.join)
            invoke_by_arn = {arn: f.invoke for f in functions for arn in f.configuration.versions}
            gateway = Gateway(expanded, invoke_by_arn, clock, log)
            for function in functions:
                parts.callback(function.close)
                # The API's functions are imported while the store is made.
                if gateway.function_arns & function.configuration.versions.keys():
                    function.warm_up()
            _provision(expanded, clients, endpoints)
            if load is not None:
                load(resources_of(expanded, clients))
            for poller in pollers:
                poller.start()
                parts.callback(poller.stop)
            local_apis = (
                InvokeApi(functions),
                MappingsApi(pollers),
                EventsApi(clients.events, rules_of(expanded), pollers, outcomes),
            )
            description = describe_stack(expanded, endpoints, server.url, demo)
            router = Router(gateway, local_apis, description, log, clock)
            server.start(router.handle, router.refuse)
            parts.callback(server.close_connections)
            parts.callback(outcomes.close)
            return cls(server.url, expanded, clients, parts.pop_all())

    @property
    def resources(self) -> Resources:
        """The store as the importer needs it."""
        return resources_of(self.template, self.clients)

    def stop(self) -> None:
        """Stops everything, and deletes what was stored."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _make_functions(template: Template, endpoints: Endpoints, url: str, log: Log) -> list[Function]:
    # The doctor's function calls Lambda and the API, which both answer here.
    own = {"AWS_ENDPOINT_URL_LAMBDA": url, "API_URL": f"{url}/workspaces/usage"}
    variables = {**endpoints.variables, **own}
    return [
        Function(
            FunctionConfiguration.from_template(template, resource, variables),
            partial(log.function, resource.logical_id),
        )
        for resource in template.of_type("AWS::Lambda::Function")
    ]


def _make_pollers(
    template: Template,
    functions: Iterable[Function],
    clients: Clients,
    outcomes: Outcomes,
    log: Log,
) -> list[QueuePoller]:
    invoke_by_name = {function.configuration.name: function.invoke for function in functions}
    return [
        QueuePoller(mapping, clients.sqs, outcomes, log.note)
        for mapping in event_source_mappings(template, invoke_by_name)
    ]


def resources_of(template: Template, clients: Clients) -> Resources:
    """Returns the template's tables, bucket and parameter as the importer needs them.

    Raises:
        TemplateError: the TimeZone that the template was given does not exist.
    """
    zone_name = template.outputs["DaysTimeZone"]
    try:
        zone = time_zone(zone_name)
    except (ValueError, ZoneInfoNotFoundError):
        # CloudFormation accepts any text that looks like one.
        raise TemplateError(f"TimeZone: there is no time zone {zone_name}") from None
    names = {name: resource.name for name, resource in template.resources.items()}
    return Resources(
        tables=Tables(
            executions=names["ExecutionsTable"],
            archived_executions=names["ArchivedExecutionsTable"],
            edited_chats=names["EditedChatsTable"],
            access_tokens=names["AccessTokensTable"],
            memberships=names["MembershipsTable"],
            rollups=names["RollupsTable"],
        ),
        bucket=names["MediaBucket"],
        min_date_parameter=names["MinDateParameter"],
        dynamodb=clients.dynamodb,
        dynamodb_once=clients.dynamodb_once,
        row_batches=row_batches(session(), clients.dynamodb_once),
        count_queue=CountQueue(clients.sqs, template.outputs["CountQueueUrl"]),
        clock=ServiceClock(clients.dynamodb_once, names["RollupsTable"]),
        s3=clients.s3,
        ssm=clients.ssm,
        zone=zone,
    )


def _check_endpoint(dynamodb: str | None) -> None:
    """Refuses a URL that botocore would refuse.

    Raises:
        StartError: it is not a URL of HTTP.
    """
    if dynamodb is None:
        return
    try:
        url = urlsplit(dynamodb)
        is_url = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        is_url = False
    if not is_url or not re.fullmatch(r"[!-~]+", dynamodb):
        raise StartError(
            f"DYNAMODB_ENDPOINT has to be a URL, such as http://127.0.0.1:8000, not {dynamodb!r}"
        )


def _provision(template: Template, clients: Clients, endpoints: Endpoints) -> None:
    try:
        provision(template, clients)
    except (BotoCoreError, ClientError) as error:
        raise StartError(f"the store at {endpoints.dynamodb} can't be used: {error}") from None
