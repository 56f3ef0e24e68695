"""What the running stack is made of, for tools that look for it as they ask CloudFormation."""

import json
from dataclasses import asdict

from local.exchange import Response
from local.store.clients import Endpoints
from local.template.template import Template


def describe_stack(template: Template, endpoints: Endpoints, url: str) -> Response:
    """Physical names by logical id, the outputs, and where each service answers, as JSON.

    Lambda answers at ``url``, where the API does.
    """
    content = {
        "resources": {name: resource.ref for name, resource in template.resources.items()},
        "outputs": dict(template.outputs),
        "endpoints": {**asdict(endpoints), "lambda": url},
    }
    headers = (("Content-Type", "application/json"),)
    return Response(200, headers, json.dumps(content).encode())
