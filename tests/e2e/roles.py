"""A function's role from the inside: what a call under it is answered, and its credentials."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.stack.laptop import Laptop
from local.stack.packaging import zip_folder

PROBE = """
import os
import boto3
def handler(event, context):
    if not event:
        return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    try:
        getattr(boto3.client(event["service"]), event["call"])(**event["arguments"])
    except Exception as error:
        return getattr(error, "response", {"Error": {"Code": repr(error)}})["Error"]["Code"]
    return "allowed"
"""


class Role:
    """One of the stack's roles, in the hands of a function that does what it is told to."""

    def __init__(self, here: Laptop, name: str, folder: Path) -> None:
        """`folder` is an empty one, for the function's code."""
        (folder / "app.py").write_text(PROBE)
        session, endpoint = here.emulator.session, here.emulator.endpoint
        self._functions = session.client("lambda", endpoint_url=endpoint)
        ours = self._functions.get_function_configuration(FunctionName=here.deployed.resources["SyncFunction"])
        role = session.client("iam", endpoint_url=endpoint).get_role(RoleName=here.deployed.resources[name])["Role"]
        self._function = f"probe-{name}"
        self._functions.create_function(
            FunctionName=self._function,
            Runtime=ours["Runtime"],
            Role=role["Arn"],
            Handler="app.handler",
            Code={"ZipFile": zip_folder(folder)},
        )

    def try_to(self, service: str, call: str, arguments: Mapping[str, Any]) -> str:
        """Make a call under the role: `allowed`, or the code of the error."""
        return str(self._invoke({"service": service, "call": call, "arguments": arguments}))

    def credentials(self) -> Mapping[str, str]:
        """The variables by which a process acts under the role."""
        variables: dict[str, str] = self._invoke({})
        wanted = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return {name: variables[name] for name in wanted}

    def _invoke(self, event: Mapping[str, Any]) -> Any:
        answer = self._functions.invoke(FunctionName=self._function, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())
