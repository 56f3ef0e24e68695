"""The description of a running stack, for tools that would ask CloudFormation for a deployment."""

import json
from dataclasses import asdict

from local.data.demo import DemoAccount
from local.exchange import JSON, Response
from local.store.clients import Endpoints
from local.template.template import Template


def describe_stack(
    template: Template, endpoints: Endpoints, url: str, demo: DemoAccount | None = None
) -> Response:
    """Returns the stack's names by logical id, outputs, and endpoints of services, as JSON.

    Args:
        template: the expanded template.
        endpoints: the endpoints of the services that the stack uses.
        url: where Lambda and the API answer.
        demo: the account of the demo whose token the reference fills in, if the demo is served.
    """
    content = {
        "resources": {name: resource.ref for name, resource in template.resources.items()},
        "outputs": dict(template.outputs),
        "endpoints": {**asdict(endpoints), "lambda": url},
        "demo": None if demo is None else {"token": demo.token, "workspace_id": demo.workspace_id},
    }
    return Response(200, (JSON,), json.dumps(content).encode())
