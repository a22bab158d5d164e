"""samconfig.toml: every stage can be deployed with what is written there."""

import tomllib
from typing import Any

import pytest

from tests.template.reading import ROOT, written

CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
PARAMETERS = written()["Parameters"]
REQUIRED = {name for name, parameter in PARAMETERS.items() if "Default" not in parameter}
STAGES = ("dev", "staging", "prod")


def overrides(settings: dict[str, Any]) -> dict[str, str]:
    """Parameter overrides by name."""
    return dict(pair.split("=", 1) for pair in settings["parameters"]["parameter_overrides"])


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_gives_every_parameter_that_has_no_default(stage: str) -> None:
    # given a stage's overrides
    given = overrides(CONFIG[stage]["deploy"])
    # then they say the stage, and what the template asks for, and nothing that it doesn't know
    assert given["Stage"] == stage
    assert REQUIRED <= given.keys() <= PARAMETERS.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_a_stack_of_its_own(stage: str) -> None:
    # given a stage; then neither its stack nor its objects meet another's, and SAM may make roles
    deploy = CONFIG[stage]["deploy"]["parameters"]
    assert deploy["stack_name"] == deploy["s3_prefix"] == f"brokersync-{stage}"
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert f"stage={stage}" in deploy["tags"]


def test_production_is_looked_at_before_it_changes() -> None:
    # given all stages; then production alone asks
    assert [s for s in STAGES if CONFIG[s]["deploy"]["parameters"]["confirm_changeset"]] == ["prod"]


@pytest.mark.parametrize("command", ["local_invoke", "local_start_api"])
def test_the_laptop_is_the_default(command: str) -> None:
    # given what `sam local` is told without further words; then it is the stage local, and complete
    given = overrides(CONFIG["default"][command])
    assert given["Stage"] == "local"
    assert REQUIRED <= given.keys() <= PARAMETERS.keys()
