"""Everything of ours that runs on AWS, running on this machine: one `with` statement."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.config import Config

from local.stack.deploy import Deployed, deploy, local_parameters
from local.stack.emulator import Emulator
from local.stack.identity import AUDIENCE, PAGE_CLIENT, LocalIssuer, Person
from local.stack.login import served_issuer

TICK_SECONDS = 60  # longer than the dispatcher's timeout


class DispatchError(Exception):
    """The dispatcher's function failed; says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laptop:
    """The deployed stack on its emulator, and the issuer whose tokens its API accepts."""

    emulator: Emulator
    deployed: Deployed
    issuer: LocalIssuer

    @property
    def api_url(self) -> str:
        """Where the HTTP API and the page are; names under `*.execute-api.localhost` don't resolve everywhere."""
        return f"{self.emulator.endpoint}/_aws/execute-api/{self.deployed.outputs['ApiId']}/$default"

    def tick(self) -> Mapping[str, int]:
        """Invoke what the schedule invokes, with its payload, now; returns the dispatcher's answer.

        Raises DispatchError when the function fails.
        """
        session, endpoint = self.emulator.session, self.emulator.endpoint
        name = self.deployed.resources["DispatcherFunctionTick"]
        target = session.client("scheduler", endpoint_url=endpoint).get_schedule(Name=name)["Target"]
        patient = Config(read_timeout=TICK_SECONDS, retries={"total_max_attempts": 1})
        answer = session.client("lambda", endpoint_url=endpoint, config=patient).invoke(
            FunctionName=target["Arn"], Payload=target["Input"].encode()
        )
        body = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise DispatchError(f"the dispatcher failed: {body[:2000]}")
        counts: dict[str, int] = json.loads(body)
        return counts


@contextmanager
def laptop(
    broker_endpoints: Mapping[str, str], *, people: Sequence[Person] = (), enforce_iam: bool = False
) -> Iterator[Laptop]:
    """Start the issuer and the emulator, deploy template.yaml; end and remove it all afterwards.

    `broker_endpoints` has a simulator's address by `broker:environment`; `people` are on the login page. Raises
    EmulatorError and DeployError.
    """
    with served_issuer(people) as issuer, Emulator(enforce_iam=enforce_iam) as emulator:
        parameters = local_parameters(
            jwt_issuer=issuer.issuer,
            jwt_audience=AUDIENCE,
            page_client_id=PAGE_CLIENT,
            broker_endpoints=json.dumps(dict(broker_endpoints)),
        )
        here = Laptop(emulator=emulator, deployed=deploy(emulator, parameters), issuer=issuer)
        issuer.redirect_uris.add(f"{here.api_url}/")
        yield here
