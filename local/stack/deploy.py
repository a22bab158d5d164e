"""Deploy template.yaml to the laptop's AWS, unmodified, through CloudFormation."""

import platform
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import ClientError

from local.stack.emulator import Emulator
from local.stack.packaging import load_template, package

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = "brokersync-artifacts"
DEPLOY_SECONDS = 120.0


class DeployError(Exception):
    """The stack could not be made; names the resources that failed, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A stack that stands, with its outputs and the physical ids of its resources by logical id."""

    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]


def deploy(
    emulator: Emulator,
    parameters: Mapping[str, str],
    *,
    name: str = "brokersync",
    template: Path = ROOT / "template.yaml",
) -> Deployed:
    """Package and deploy a template. Raises DeployError with what was refused, or each resource that failed and why."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=DEPLOY_SECONDS)
    s3 = emulator.session.client("s3", endpoint_url=emulator.endpoint)
    cloudformation = emulator.session.client("cloudformation", endpoint_url=emulator.endpoint, config=config)
    s3.create_bucket(Bucket=ARTIFACTS)
    packaged = package(load_template(template), template.parent, s3, ARTIFACTS)
    s3.put_object(Bucket=ARTIFACTS, Key="template.json", Body=packaged)
    try:
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"{emulator.endpoint}/{ARTIFACTS}/template.json",  # too long for a request's body
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        raise DeployError(f"stack {name} was refused: {error.response['Error']['Message']}") from None
    deployed = _await(cloudformation, name)
    _correct_concurrency(emulator)
    return deployed


def local_parameters(
    *, jwt_issuer: str, jwt_audience: str, page_client_id: str, broker_endpoints: str
) -> dict[str, str]:
    """The template's parameters on a laptop; `broker_endpoints` is JSON of simulators by `broker:environment`."""
    return {
        "Stage": "local",
        "RuntimeVersion": f"python{sys.version_info[0]}.{sys.version_info[1]}",  # the workers are this interpreter
        "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
        "JwtIssuer": jwt_issuer,
        "JwtAudience": jwt_audience,
        "PageClientId": page_client_id,
        "MetricMathAlarms": "false",  # MiniStack rolls the whole stack back on them
        "MaxConcurrency": "2",  # each execution at once is a process that this machine starts
        "BackfillMaxConcurrency": "4",
        "BrokerEndpoints": broker_endpoints,
    }


def _correct_concurrency(emulator: Emulator) -> None:
    """MiniStack keeps a Number parameter as text, over which its queue pollers stumble: write the number."""
    functions = emulator.session.client("lambda", endpoint_url=emulator.endpoint)
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        if maximum := mapping.get("ScalingConfig", {}).get("MaximumConcurrency"):
            functions.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(maximum)}
            )


def _await(cloudformation: "CloudFormationClient", name: str) -> Deployed:
    deadline = time.monotonic() + DEPLOY_SECONDS
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            break
        if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > deadline:
            reasons = "\n".join(_failures(cloudformation, name)) or stack.get("StackStatusReason", "no reason given")
            raise DeployError(f"stack {name} is {stack['StackStatus']}:\n{reasons}")
        time.sleep(0.1)
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return Deployed(
        name=name,
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        resources={resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "") for resource in resources},
    )


def _failures(cloudformation: "CloudFormationClient", name: str) -> Iterator[str]:
    for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
        if event.get("ResourceStatus", "").endswith("FAILED"):
            resource = f"{event.get('LogicalResourceId')} ({event.get('ResourceType')})"
            yield f"  {resource}: {event.get('ResourceStatusReason', 'no reason given')}"
