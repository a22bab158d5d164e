"""Functions: a change reaches the alias, each has its own role, log group and settings, and no more than it reads."""

from typing import Any

import pytest
from pydantic import BaseModel

from brokersync.settings import ApiSettings, DispatcherSettings, SyncSettings
from tests.template.reading import deployed, resources, text_of, written

FUNCTIONS = resources(written(), "AWS::Serverless::Function")
PLAIN_FUNCTIONS = resources(deployed(), "AWS::Lambda::Function")
LAYERS = resources(written(), "AWS::Serverless::LayerVersion")
GLOBALS = written()["Globals"]["Function"]
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}

each_function = pytest.mark.parametrize("name", sorted(FUNCTIONS))


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_a_change_in_a_layer_alone_publishes_a_version(layer: str) -> None:
    # given both layers, where all the logic is; then the layer's version is part of what is compared
    assert LAYERS[layer]["PublishLambdaVersion"] is True
    # and a rollback finds the layers that the old version had
    assert LAYERS[layer]["RetentionPolicy"] == "Retain"


@each_function
def test_a_function_is_published_behind_its_alias_whatever_changes(name: str) -> None:
    # given a function; then any change of it makes a version, and the alias points to that
    assert GLOBALS["AutoPublishAlias"] == "live"
    assert FUNCTIONS[name]["AutoPublishAliasAllProperties"] is True
    assert {"Ref": name} in [alias["FunctionName"] for alias in resources(deployed(), "AWS::Lambda::Alias").values()]


def test_everything_that_invokes_a_function_invokes_its_alias() -> None:
    # given all that invokes: schedule, queues, HTTP API
    invoked: list[Any] = [
        *(schedule["Target"]["Arn"] for schedule in resources(deployed(), "AWS::Scheduler::Schedule").values()),
        *(m["FunctionName"] for m in resources(deployed(), "AWS::Lambda::EventSourceMapping").values()),
        *(
            integration["IntegrationUri"]
            for integration in resources(deployed(), "AWS::ApiGatewayV2::Integration").values()
        ),
        *(permission["FunctionName"] for permission in resources(deployed(), "AWS::Lambda::Permission").values()),
    ]
    # then there is no way past the alias
    assert len(invoked) == 5
    assert all(text_of(target).endswith("FunctionAliaslive") for target in invoked)


@each_function
def test_a_function_logs_into_its_own_group_which_forgets(name: str) -> None:
    # given a function and the group it names
    group = PLAIN_FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]
    properties = resources(written(), "AWS::Logs::LogGroup")[group]
    # then the group is named after the function, and has an end and a key
    assert text_of(properties["LogGroupName"]) == f"/aws/lambda/{text_of(FUNCTIONS[name]['FunctionName'])}"
    assert "RetentionInDays" in properties
    assert text_of(properties["KmsKeyId"]) == "StorageKey.Arn"
    # and no other function logs there
    groups = [other["LoggingConfig"]["LogGroup"]["Ref"] for other in PLAIN_FUNCTIONS.values()]
    assert groups.count(group) == 1


def test_every_log_group_has_a_retention() -> None:
    # given all log groups, the API's access log among them; then none keeps its lines for ever
    groups = resources(deployed(), "AWS::Logs::LogGroup")
    assert len(groups) == 4
    assert all("RetentionInDays" in group for group in groups.values())
    # and every stage has a number of days
    stages = written()["Parameters"]["Stage"]["AllowedValues"]
    assert all(set(days) == set(stages) for days in written()["Mappings"]["LogRetentionDays"].values())


@pytest.mark.parametrize(
    ("name", "settings"),
    [("DispatcherFunction", DispatcherSettings), ("SyncFunction", SyncSettings), ("ApiFunction", ApiSettings)],
)
def test_a_function_is_given_what_it_reads_and_nothing_else(name: str, settings: type[BaseModel]) -> None:
    # given a function's environment, and the settings that its app.py reads
    given = set(PLAIN_FUNCTIONS[name]["Environment"]["Variables"])
    read = {field.upper() for field in settings.model_fields}
    # then they are the same, but for what Powertools reads
    assert given - POWERTOOLS == read
    assert given >= POWERTOOLS


def test_only_the_laptop_can_replace_the_brokers_addresses() -> None:
    # given the address book that the sync gets; then any stage but local gets an empty one, whatever the parameter says
    value = FUNCTIONS["SyncFunction"]["Environment"]["Variables"]["BROKER_ENDPOINTS"]
    assert value == {"Fn::If": ["IsLocal", {"Ref": "BrokerEndpoints"}, "{}"]}
    assert written()["Conditions"]["IsLocal"] == {"Fn::Equals": [{"Ref": "Stage"}, "local"]}


def test_one_dispatcher_at_a_time() -> None:
    # given the dispatcher; then one execution is reserved, unless the account has none to reserve
    reserved = FUNCTIONS["DispatcherFunction"]["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["HasReservedDispatcher", 1, {"Ref": "AWS::NoValue"}]}
    # and it ends before the next tick begins
    assert FUNCTIONS["DispatcherFunction"]["Timeout"] < 60


def test_the_sync_is_limited_by_its_mappings_only() -> None:
    # given the sync; then reserved concurrency doesn't throttle the pollers, which would burn receives
    assert "ReservedConcurrentExecutions" not in FUNCTIONS["SyncFunction"]
    # and its own wake-ups are not taken for a runaway loop
    assert FUNCTIONS["SyncFunction"]["RecursiveLoop"] == "Allow"


def test_the_api_is_answered_before_the_gateway_gives_up() -> None:
    # given the API's function and the gateway in front; then the function's own time-out comes first
    (integration,) = resources(written(), "AWS::ApiGatewayV2::Integration").values()
    assert FUNCTIONS["ApiFunction"]["Timeout"] * 1000 < integration["TimeoutInMillis"]


def test_the_schedule_ticks_every_minute_with_a_payload_of_its_own() -> None:
    # given the schedule
    (schedule,) = resources(deployed(), "AWS::Scheduler::Schedule").values()
    # then it ticks every minute, has no fixed name (two stacks would collide), and a failed tick is kept
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert "Name" not in schedule
    assert text_of(schedule["Target"]["DeadLetterConfig"]["Arn"]) == "ScheduleDlq.Arn"
    # and a tick that is older than the next one is not delivered any more
    assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] == 60
