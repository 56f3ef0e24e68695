"""The stack: the template's store, functions and API, put together and taken apart again."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfoNotFoundError

from botocore.exceptions import BotoCoreError, ClientError

from local.description import description
from local.errors import StartError, TemplateError
from local.event_source import EventSource, mappings
from local.events_api import EventsApi
from local.functions import Function, Setup
from local.gateway import Gateway
from local.invoke_api import InvokeApi
from local.log import Log, NoLog
from local.mappings_api import MappingsApi
from local.outcomes import Outcomes
from local.provision import provision
from local.router import Router
from local.routes import Clock
from local.rules import rules_of
from local.server import Server
from local.store import Clients, Endpoints, MotoServer
from local.template import Template, expand
from usagectl.resources import Resources
from workspace_usage.rows.tables import Tables
from workspace_usage.rows.window import time_zone

TEMPLATE: Final = Path(__file__).parents[1] / "template.yaml"


class Stack:
    """A running stack. Made by ``start``; leaving it as a context manager stops it.

    Attributes:
        url: where its API answers. Paths have no stage in front, as with a custom domain.
        template: what was expanded; it knows the names of tables, bucket and parameter.
        clients: clients of the store, for whoever puts something into it.
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
    ) -> Self:
        """Starts the stack of a template. Nothing is served before the store is filled.

        Args:
            template: the path of the template.
            parameters: values of its parameters; the others have their defaults.
            port: where to serve on 127.0.0.1; 0 takes a free one.
            store_port: where moto serves; 0 takes a free one.
            store_host: the address that moto serves at; containers may need another.
            dynamodb_endpoint: the URL of a DynamoDB to use in moto's place.
            log: is told what happens, from any thread.
            clock: what the cache and the throttle go by, in seconds that only grow.
            load: fills the store; without it, the stack starts with an empty one.

        Raises:
            TemplateError: the template or a parameter can't be used.
            StartError: something else is in the way.
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
            functions = [
                Function(
                    Setup.of(expanded, resource, endpoints.variables),
                    partial(log.function, resource.logical_id),
                )
                for resource in expanded.of_type("AWS::Lambda::Function")
            ]
            clients = Clients.of(endpoints)
            invoke_by_name = {function.setup.name: function.invoke for function in functions}
            outcomes = Outcomes()
            sources = [
                EventSource(mapped, clients.sqs, outcomes, log.note)
                for mapped in mappings(expanded, invoke_by_name)
            ]
            for source in sources:
                parts.callback(source.join)
            invoke_by_arn = {arn: f.invoke for f in functions for arn in f.setup.versions}
            gateway = Gateway(expanded, invoke_by_arn, clock, log)
            for function in functions:
                parts.callback(function.close)
                # The API's functions are imported while the store is made.
                if gateway.functions & function.setup.versions.keys():
                    function.warm_up()
            _provision(expanded, clients, endpoints)
            if load is not None:
                load(destination(expanded, clients))
            for source in sources:
                source.start()
                parts.callback(source.end)
            router = Router(
                gateway,
                (
                    InvokeApi(functions),
                    MappingsApi(sources),
                    EventsApi(clients.events, rules_of(expanded), sources, outcomes),
                ),
                description(expanded, endpoints, server.url),
                log,
                clock,
            )
            server.start(router.handle, router.refuse)
            parts.callback(server.hang_up)
            parts.callback(outcomes.close)
            return cls(server.url, expanded, clients, parts.pop_all())

    @property
    def destination(self) -> Resources:
        """The store, as the importer wants to know it."""
        return destination(self.template, self.clients)

    def stop(self) -> None:
        """Stops everything; what was stored is gone."""
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


def destination(template: Template, clients: Clients) -> Resources:
    """What ``provision`` made of ``template``, as the importer wants to know it.

    Raises:
        TemplateError: there is no time zone of the name that the template was given.
    """
    zone_name = template.outputs["DaysTimeZone"]
    try:
        zone = time_zone(zone_name)
    except (ValueError, ZoneInfoNotFoundError):
        # CloudFormation takes any text that could be one.
        raise TemplateError(f"TimeZone: there is no time zone {zone_name}") from None
    names = {logical_id: found.name for logical_id, found in template.resources.items()}
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
        s3=clients.s3,
        ssm=clients.ssm,
        zone=zone,
    )


def _check_endpoint(dynamodb: str | None) -> None:
    """Refuses what botocore would not take for an endpoint."""
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
        where = f"the store at {endpoints.dynamodb}"
        raise StartError(f"{where} can't be used: {error}") from None
