"""The API's methods, from the OpenAPI definition that SAM generates, and the stage's settings.

A feature that the template doesn't use is refused when the stack starts, and never ignored: other
integrations than functions and mocks, cached decisions of authorizers, methods without a name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.clock import Clock
from local.errors import TemplateError
from local.functions.invocation import Invoke
from local.gateway.cache import StageCache
from local.gateway.mock import MockIntegration
from local.gateway.paths import PathPattern, find_pattern
from local.gateway.throttle import TokenBucket
from local.template.template import Resource, is_true

# AWS's defaults.
_ACCOUNT_RATE: Final = 10_000
_ACCOUNT_BURST: Final = 5_000
_CACHE_LIFETIME: Final = 300

_NO_AUTHORIZER: Final = "NONE"
"""What SAM makes of ``Auth: {Authorizer: NONE}``: the name of a scheme that does not exist."""

_FUNCTION: Final = re.compile(r".*/functions/(?P<arn>arn:[^/]+)/invocations")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of the API.

    Attributes:
        path: its path, as the template writes it.
        integration: invokes its function, or is the mock that answers in place of one.
        authorizer: invokes its authorizer, if it has one.
        bucket: its throttle.
        cache: its cache, if it has one.
        cache_keys: the parameters of the request that form the cache's key.
    """

    path: str
    integration: Invoke | MockIntegration
    authorizer: Invoke | None
    bucket: TokenBucket
    cache: StageCache | None
    cache_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routes:
    """All methods of the API, by their paths and names."""

    by_path: Mapping[PathPattern, Mapping[str, Route]]

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """Returns the route of a request with the parameters in its path, or None.

        The path alone decides which pattern counts. If that one doesn't have the method, there is
        no route, even if another pattern matches the path and has the method.
        """
        found = find_pattern(self.by_path, path)
        if found is None:
            return None
        pattern, parameters = found
        route = self.by_path[pattern].get(method)
        return None if route is None else (route, parameters)


def make_routes(
    api: Resource, stage: Resource, functions: Mapping[str, Invoke], clock: Clock
) -> Routes:
    """Returns the routes of an API.

    Args:
        api: the API.
        stage: its stage.
        functions: the template's functions, by each of their ARNs.
        clock: the time, for throttle and cache.

    Raises:
        TemplateError: the template uses a feature that is not supported here.
    """
    definition = api.properties["Body"]
    by_path: dict[PathPattern, dict[str, Route]] = {}
    for path, operations in definition["paths"].items():
        methods = by_path.setdefault(PathPattern.parse(path), {})
        for name, operation in operations.items():
            method = name.upper()
            if method == "X-AMAZON-APIGATEWAY-ANY-METHOD":
                raise TemplateError(f"{path}: methods have to be named here, one by one")
            settings = _settings(stage, method, path)
            integration = operation.get("x-amazon-apigateway-integration", {})
            methods[method] = Route(
                path=path,
                integration=_integration(f"{method} {path}", operation, functions),
                authorizer=_authorizer(definition, operation, functions),
                bucket=TokenBucket(
                    float(settings.get("ThrottlingRateLimit", _ACCOUNT_RATE)),
                    float(settings.get("ThrottlingBurstLimit", _ACCOUNT_BURST)),
                    clock,
                ),
                cache=_cache(stage, settings, clock),
                cache_keys=tuple(integration.get("cacheKeyParameters", ())),
            )
    return Routes(by_path)


def _integration(
    name: str, operation: Mapping[str, Any], functions: Mapping[str, Invoke]
) -> Invoke | MockIntegration:
    """Returns the integration of the method that has this name."""
    integration = operation.get("x-amazon-apigateway-integration", {})
    match integration.get("type"):
        case "aws_proxy":
            return _find(functions, integration["uri"])
        case "mock":
            return MockIntegration.parse(name, operation)
    raise TemplateError(f"{name}: only functions and mocks are served here (aws_proxy, mock)")


def _settings(stage: Resource, method: str, path: str) -> dict[str, Any]:
    """Returns the stage's settings for a method: those for all methods, then its own."""
    for settings in stage.properties.get("MethodSettings", ()):
        if (settings["HttpMethod"] == "*") != (settings["ResourcePath"] == "/*"):
            raise TemplateError(
                "method settings have to be for all methods of all paths, or for one of one"
            )
    # ResourcePath is a slash, and then the path with each of its slashes written as ~1. The root's
    # is a slash alone.
    own_path = "/" if path == "/" else "/" + path.replace("/", "~1")
    chosen: dict[str, Any] = {}
    for place in (("*", "/*"), (method, own_path)):
        for settings in stage.properties.get("MethodSettings", ()):
            if (settings["HttpMethod"], settings["ResourcePath"]) == place:
                chosen |= settings
    return chosen


def _cache(stage: Resource, settings: Mapping[str, Any], clock: Clock) -> StageCache | None:
    cluster = is_true(stage.properties.get("CacheClusterEnabled"))
    if not (cluster and is_true(settings.get("CachingEnabled"))):
        return None
    return StageCache(float(settings.get("CacheTtlInSeconds", _CACHE_LIFETIME)), clock)


def _authorizer(
    definition: Mapping[str, Any], operation: Mapping[str, Any], functions: Mapping[str, Invoke]
) -> Invoke | None:
    names = [name for requirement in operation.get("security") or () for name in requirement]
    if not names or names == [_NO_AUTHORIZER]:
        return None
    scheme = definition.get("securityDefinitions", {}).get(names[0], {})
    authorizer = scheme.get("x-amazon-apigateway-authorizer", {})
    if len(names) > 1 or authorizer.get("type") != "request":
        raise TemplateError(f"{names[0]}: only a single REQUEST authorizer is served here")
    if authorizer.get("identitySource") or authorizer.get("authorizerResultTtlInSeconds") != 0:
        raise TemplateError(f"{names[0]}: decisions of authorizers are not cached here")
    return _find(functions, authorizer["authorizerUri"])


def _find(functions: Mapping[str, Invoke], uri: str) -> Invoke:
    match = _FUNCTION.fullmatch(uri)
    if match is None or match["arn"] not in functions:
        raise TemplateError(f"the API refers to {uri}, which is not a function of the template")
    return functions[match["arn"]]
