"""The description of a running stack, for tools that would ask CloudFormation for a deployment."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from local.data.demo import DemoAccount
from local.exchange import JSON, Response
from local.store.clients import Endpoints
from local.template.template import Template


def describe_stack(
    template: Template, endpoints: Endpoints, url: str, demo: Sequence[DemoAccount] = ()
) -> Response:
    """Returns the stack's names by logical id, outputs, and endpoints of services, as JSON.

    Args:
        template: the expanded template.
        endpoints: the endpoints of the services that the stack uses.
        url: where Lambda and the API answer.
        demo: the demo's accounts, if the demo is served. The reference fills in the first one's
            token, and the page offers those that see anything.
    """
    content = {
        "resources": {name: resource.ref for name, resource in template.resources.items()},
        "outputs": dict(template.outputs),
        "endpoints": {**asdict(endpoints), "lambda": url},
        "demo": _describe_demo(demo) if demo else None,
    }
    return Response(200, (JSON,), json.dumps(content).encode())


def _describe_demo(accounts: Sequence[DemoAccount]) -> dict[str, object]:
    """Returns the first account's token and workspace, and all accounts that see anything."""
    return {
        "token": accounts[0].token,
        "workspace_id": accounts[0].workspace_id,
        "accounts": [
            {
                "name": account.name,
                "token": account.token,
                "workspace_id": account.workspace_id,
                "sees": account.sees,
            }
            for account in accounts
            if account.sees != "nothing"
        ],
    }
