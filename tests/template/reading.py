"""template.yaml as the tests read it: as it is written, and as SAM's transform leaves it to CloudFormation."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform

from local.stack.packaging import Template, load_template

ROOT = Path(__file__).resolve().parents[2]
STACK_NAME = "brokersync"
Resource = dict[str, Any]


@cache
def written() -> Template:
    """The template as it is written, short tags in their long form."""
    return load_template(ROOT / "template.yaml")


@cache
def deployed() -> Template:
    """What CloudFormation gets: plain resources, the alias, versions, schedules and mappings among them."""
    packaged = copy.deepcopy(written())
    for resource in packaged["Resources"].values():
        for code in {"CodeUri", "ContentUri"} & resource["Properties"].keys():
            resource["Properties"][code] = "s3://bucket/key"
    return transform(packaged, {}, _NoManagedPolicies())


class _NoManagedPolicies:
    """The transform asks for AWS's managed policies; the template names none."""

    def load(self) -> dict[str, str]:
        return {}


def resources(template: Template, kind: str) -> dict[str, Resource]:
    """The resources of a type by logical id: their properties."""
    return {
        name: resource["Properties"] for name, resource in template["Resources"].items() if resource["Type"] == kind
    }


def text_of(value: object) -> str:
    """A value as CloudFormation would fill it in: `${AWS::StackName}` by name, resources by their logical id."""
    if isinstance(value, dict):
        ((function, argument),) = value.items()
        if function == "Fn::Sub":
            return str(argument).replace("${AWS::StackName}", STACK_NAME)
        if function == "Ref":
            return STACK_NAME if argument == "AWS::StackName" else str(argument)
        if function == "Fn::GetAtt":
            return ".".join(argument)
        return json.dumps(value)
    return str(value)


def statements(role: Resource) -> Iterator[Resource]:
    """The policy statements of a role, actions and resources as lists of text."""
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement | {
                "Action": [text_of(action) for action in _list(statement["Action"])],
                "Resource": [text_of(resource) for resource in _list(statement["Resource"])],
            }


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def dashboard() -> dict[str, Any]:
    """The dashboard's body."""
    (properties,) = resources(written(), "AWS::CloudWatch::Dashboard").values()
    body: dict[str, Any] = json.loads(text_of(properties["DashboardBody"]))
    return body
