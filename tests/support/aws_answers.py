"""AWS as far as a test says how it responds: clients that reach nothing.

botocore checks the requests against AWS's models, and so are the responses. moto knows too few of
the operations that a deployment's checks use.
"""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.model import OperationModel
from botocore.validate import validate_parameters


class AwsAnswers:
    """A session whose clients respond as a test has told them, and fail for any other call.

    Attributes:
        region_name: the region of the configuration, or None.
        requests: the parameters of the last request of each operation, by service and operation.
    """

    def __init__(self, region_name: str | None = "us-east-1") -> None:
        self.region_name = region_name
        self.requests: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._responses: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._clients: dict[tuple[str, str], Any] = {}

    def answer(self, service: str, operation: str, response: Mapping[str, Any]) -> None:
        """Makes a service respond to an operation, such as ``GetAccount``, from now on."""
        self._responses[service, operation] = response

    def refuse(self, service: str, operation: str, code: str, message: str = "") -> None:
        """Makes a service respond to an operation with an error, from now on."""
        self._responses[service, operation] = {"Error": {"Code": code, "Message": message}}

    def client(self, service: Any, *, region_name: str, config: Config | None = None) -> Any:
        """Returns the client of a service in a region."""
        key = (service, region_name)
        if key not in self._clients:
            self._clients[key] = self._new_client(service, region_name, config)
        return self._clients[key]

    def _new_client(self, service: Any, region_name: str, config: Config | None) -> Any:
        client: Any = boto3.client(
            service,
            region_name=region_name,
            config=config,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

        def respond(model: OperationModel, **_: object) -> tuple[AWSResponse, Mapping[str, Any]]:
            response = self._responses.get((service, model.name))
            assert response is not None, f"the test does not say how {service} answers {model.name}"
            if "Error" in response:
                return AWSResponse("", 400, HTTPHeaders(), None), response
            if model.output_shape is not None:
                validate_parameters(response, model.output_shape)
            return AWSResponse("", 200, HTTPHeaders(), None), response

        def remember(params: Mapping[str, Any], model: OperationModel, **_: object) -> None:
            self.requests[service, model.name] = dict(params)

        client.meta.events.register("before-parameter-build", remember)
        client.meta.events.register("before-call", respond)
        return client
