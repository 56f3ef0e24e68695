"""The description of a running stack, for tools that would ask CloudFormation for a deployment."""

import json
from dataclasses import asdict

from local.exchange import JSON, Response
from local.store.clients import Endpoints
from local.template.template import Template


def describe_stack(template: Template, endpoints: Endpoints, url: str) -> Response:
    """Returns names by logical id, outputs, and the endpoints of services, as JSON.

    Lambda's endpoint is ``url``, like the API's.
    """
    content = {
        "resources": {name: resource.ref for name, resource in template.resources.items()},
        "outputs": dict(template.outputs),
        "endpoints": {**asdict(endpoints), "lambda": url},
    }
    return Response(200, (JSON,), json.dumps(content).encode())
