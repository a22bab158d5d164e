"""Deploying to the laptop: what fails is named."""

import pytest

from local.stack.deploy import DeployError, deploy, local_parameters
from local.stack.emulator import Emulator
from local.stack.identity import AUDIENCE, PAGE_CLIENT

pytestmark = pytest.mark.stack


def test_a_stack_that_is_rolled_back_names_the_resource_and_the_reason(emulator: Emulator) -> None:
    # given parameters that ask for something that the laptop's AWS refuses
    parameters = local_parameters(
        jwt_issuer="http://127.0.0.1:1", jwt_audience=AUDIENCE, page_client_id=PAGE_CLIENT, broker_endpoints="{}"
    )
    # when the template is deployed with them
    with pytest.raises(DeployError) as refused:
        deploy(emulator, parameters | {"MetricMathAlarms": "true"})
    # then the resource is named with its kind and the reason
    assert "stack brokersync is ROLLBACK_COMPLETE" in str(refused.value)
    assert "SyncFailureRateAlarm (AWS::CloudWatch::Alarm): " in str(refused.value)


def test_a_parameter_that_the_template_does_not_take_is_named(emulator: Emulator) -> None:
    # given a parameter outside the values that the template allows
    parameters = local_parameters(
        jwt_issuer="http://127.0.0.1:1", jwt_audience=AUDIENCE, page_client_id=PAGE_CLIENT, broker_endpoints="{}"
    )
    # when the template is deployed with it, then it is refused by name
    with pytest.raises(DeployError, match=r"stack other was refused: .*RuntimeVersion.*python2\.7"):
        deploy(emulator, parameters | {"RuntimeVersion": "python2.7"}, name="other")
