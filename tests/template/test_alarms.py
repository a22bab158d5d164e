"""Alarms and dashboard: they watch what the code really emits, reach somebody, and say where to read on."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from brokersync.domain.runs import Outcome
from brokersync.telemetry import Metric
from local.cli import app
from tests.template.reading import ROOT, STACK_NAME, dashboard, resources, text_of, written

ALARMS = resources(written(), "AWS::CloudWatch::Alarm")
QUEUES = resources(written(), "AWS::SQS::Queue")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()

# Which dimensions each metric has: docs/architecture.md, "Metrics and log lines".
DIMENSIONS = {
    Metric.SYNC_OUTCOME: {"service", "outcome"},
    Metric.FEEDS_DUE: {"service"},
    Metric.FEEDS_QUEUED: {"service"},
    Metric.TICKS_BEHIND: {"service"},
    Metric.HELD_BACK: {"service"},
    Metric.UNSAVED_SESSIONS: {"service"},
}
DIMENSIONS |= {metric: {"service", "broker"} for metric in Metric if metric not in DIMENSIONS}

each_alarm = pytest.mark.parametrize("name", sorted(ALARMS))


def watched(alarm: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What an alarm watches: namespace, metric, dimensions."""
    of_math = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", ()) if "MetricStat" in one]
    for metric in of_math or [alarm]:
        dimensions = {one["Name"]: text_of(one["Value"]) for one in metric["Dimensions"]}
        yield text_of(metric["Namespace"]), metric["MetricName"], dimensions


def drawn() -> Iterator[tuple[str, str, dict[str, str]]]:
    """What the dashboard's widgets draw, by name and by search."""
    for widget in dashboard()["widgets"]:
        for metric in widget["properties"].get("metrics", ()):
            if isinstance(metric[0], str):
                namespace, name, *dimensions = [part for part in metric if isinstance(part, str)]
                yield namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True))
            else:
                search = re.search(r"\{([\w/,-]+)\} MetricName=\"(\w+)\"", metric[0]["expression"])
                assert search, metric
                namespace, *names = search[1].split(",")
                yield namespace, search[2], dict.fromkeys(names, "")


def test_every_figure_that_somebody_looks_at_is_one_that_the_code_emits() -> None:
    # given all that alarms watch and widgets draw of our own
    ours = [one for one in [*(w for a in ALARMS.values() for w in watched(a)), *drawn()] if one[0] == STACK_NAME]
    # then the code emits each, under these dimensions
    assert {(metric, frozenset(dimensions)) for _, metric, dimensions in ours} == {
        (metric.value, frozenset(names)) for metric, names in DIMENSIONS.items()
    }
    # and an outcome is one that a run can have; the dashboard shows all of them
    outcomes = {dimensions["outcome"] for _, _, dimensions in ours if "outcome" in dimensions}
    assert outcomes == {outcome.value for outcome in Outcome}
    # and the functions go by these names
    functions = resources(written(), "AWS::Serverless::Function").values()
    services = {function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for function in functions}
    assert {dimensions["service"] for _, _, dimensions in ours if dimensions["service"]} <= services


@each_alarm
def test_an_alarm_names_a_heading_of_the_runbook(name: str) -> None:
    # given an alarm's name and description
    short = text_of(ALARMS[name]["AlarmName"]).removeprefix("brokersync-")
    # then the description leads to the section of that name
    assert ALARMS[name]["AlarmDescription"].endswith(f"See docs/runbook.md#{short}")
    assert f"\n## {short}\n" in RUNBOOK


@each_alarm
def test_a_section_of_the_runbook_says_all_that_one_needs_at_night(name: str) -> None:
    # given the section of an alarm
    short = text_of(ALARMS[name]["AlarmName"]).removeprefix("brokersync-")
    section = RUNBOOK.split(f"\n## {short}\n")[1].split("\n## ")[0]
    # then it says what traders notice, where to look, what it is, how to end it and how one knows
    for part in ("What traders notice.", "Look first.", "Usual causes.", "End it.", "It is over"):
        assert f"**{part}**" in section


def test_the_runbook_has_no_section_without_an_alarm() -> None:
    # given the runbook's sections; then each is an alarm's, but for what is done after a deployment
    names = {text_of(alarm["AlarmName"]).removeprefix("brokersync-") for alarm in ALARMS.values()}
    after = {"Reading stored answers again", "Rolling back"}
    assert set(re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)) == names | after


def test_the_runbook_names_commands_that_exist() -> None:
    # given the commands of `brokersync`, and those that the runbook tells to use
    existing = {command.name or command.callback.__name__ for command in app.registered_commands}
    named = set(re.findall(r"(?:`|^    )brokersync ([a-z-]+)", RUNBOOK, re.MULTILINE))
    # then there are no others
    assert {"status", "failures", "redrive", "pause", "resume"} <= named <= existing


@each_alarm
def test_i10_an_alarm_reaches_the_topic_when_it_begins_and_when_it_ends(name: str) -> None:
    # given an alarm; then both go to the topic
    assert ALARMS[name]["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert ALARMS[name]["OKActions"] == [{"Ref": "AlarmTopic"}]
    # and it has decided what silence means
    assert ALARMS[name]["TreatMissingData"] in {"breaching", "notBreaching"}


def test_cloudwatch_can_encrypt_for_the_topic_and_publish_to_it() -> None:
    # given the encrypted topic; then its key and its policy let this account's alarms through
    (topic,) = resources(written(), "AWS::SNS::Topic").values()
    assert topic["KmsMasterKeyId"] == {"Ref": "StorageKey"}
    keys = resources(written(), "AWS::KMS::Key")["StorageKey"]["KeyPolicy"]["Statement"]
    assert any(s["Principal"] == {"Service": "cloudwatch.amazonaws.com"} for s in keys)
    (policy,) = resources(written(), "AWS::SNS::TopicPolicy").values()
    allowed, denied = policy["PolicyDocument"]["Statement"]
    assert (allowed["Effect"], allowed["Principal"]) == ("Allow", {"Service": "cloudwatch.amazonaws.com"})
    # and nobody gets through without TLS, wherever there is TLS
    condition, statement, _ = denied["Fn::If"]
    assert (condition, statement["Effect"]) == ("HasTls", "Deny")


def test_i10_every_dead_letter_raises_an_alarm() -> None:
    # given all dead-letter queues, and the alarms on messages that can be seen (a redrive doesn't count as sent)
    dead = {name for name in QUEUES if name.endswith("Dlq")}
    watching = {
        text_of(dimensions["QueueName"]).removesuffix(".QueueName")
        for alarm in ALARMS.values()
        for namespace, metric, dimensions in watched(alarm)
        if (namespace, metric) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible") and alarm["Threshold"] == 0
    }
    # then there is one for each
    assert watching == dead
    # and the queues that are worked on are watched for their oldest message
    aging = {
        text_of(dimensions["QueueName"]).removesuffix(".QueueName")
        for alarm in ALARMS.values()
        for _, metric, dimensions in watched(alarm)
        if metric == "ApproximateAgeOfOldestMessage"
    }
    assert aging == set(QUEUES) - dead


def test_i10_a_dispatcher_that_says_nothing_is_an_alarm() -> None:
    # given the heartbeat; then a missing figure counts as bad
    heartbeat = ALARMS["DispatcherSilentAlarm"]
    assert list(watched(heartbeat)) == [(STACK_NAME, Metric.FEEDS_DUE.value, {"service": "dispatcher"})]
    assert heartbeat["TreatMissingData"] == "breaching"
    # and it counts values, so that a 0 is a heartbeat too
    assert (heartbeat["Statistic"], heartbeat["Threshold"]) == ("SampleCount", 1)


def test_alarms_that_calculate_can_be_left_out() -> None:
    # given the alarms with metric math, over which the laptop's AWS rolls back; then all stand behind the parameter
    calculating = {n for n, r in written()["Resources"].items() if n in ALARMS and "Metrics" in r["Properties"]}
    assert calculating == {"SyncFailureRateAlarm"}
    assert all(written()["Resources"][name]["Condition"] == "HasMetricMathAlarms" for name in calculating)
    # and they are there unless somebody says otherwise
    assert written()["Parameters"]["MetricMathAlarms"]["Default"] == "true"


def test_the_failure_rate_is_of_runs_that_are_over() -> None:
    # given the calculation; then every outcome but deferred is in it
    rate = ALARMS["SyncFailureRateAlarm"]
    outcomes = {dimensions["outcome"] for _, _, dimensions in watched(rate)}
    assert outcomes == {outcome.value for outcome in Outcome} - {Outcome.DEFERRED.value}
    assert (rate["ComparisonOperator"], rate["Threshold"]) == ("GreaterThanThreshold", 10)


def test_a_broker_that_stays_in_trouble_is_an_alarm() -> None:
    # given what is held back while a broker has trouble; then a quarter of an hour of it is an alarm
    alarm = ALARMS["CircuitOpenAlarm"]
    assert alarm["MetricName"] == Metric.HELD_BACK
    assert alarm["Period"] * alarm["DatapointsToAlarm"] == 15 * 60
    assert (alarm["Statistic"], alarm["Threshold"], alarm["TreatMissingData"]) == ("Sum", 0, "notBreaching")


def test_data_that_is_about_to_be_lost_is_an_alarm_at_once() -> None:
    # given a session that nobody has fetched though half of the time is over; then the first one is an alarm
    alarm = ALARMS["UnsavedSessionsAlarm"]
    assert alarm["MetricName"] == Metric.UNSAVED_SESSIONS
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (60, 1, 1)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)


def test_syncs_that_reach_their_limit_are_an_alarm() -> None:
    # given the alarm on duration; then it goes off where Lambda ends the function, for the alias that does the work
    alarm = ALARMS["SyncDurationAlarm"]
    timeout = resources(written(), "AWS::Serverless::Function")["SyncFunction"]["Timeout"]
    assert (alarm["ExtendedStatistic"], alarm["Threshold"]) == ("p99", timeout * 1000)
    assert list(watched(alarm)) == [
        ("AWS/Lambda", "Duration", {"FunctionName": "SyncFunction", "Resource": "${SyncFunction}:live"})
    ]


def test_the_dashboard_begins_with_business_and_shows_every_alarm() -> None:
    # given the dashboard from top to bottom
    widgets = sorted(dashboard()["widgets"], key=lambda widget: widget["y"])
    headings = [widget["properties"]["markdown"] for widget in widgets if widget["type"] == "text"]
    assert headings == ["## Business", "## Queues", "## Functions", "## Data"]
    # then the first row is the alarms, all of them
    (alarms,) = [widget for widget in widgets if widget["type"] == "alarm"]
    assert alarms["y"] == 0
    names = {arn.rsplit(":", 1)[1] for arn in alarms["properties"]["alarms"]}
    assert names == {text_of(alarm["AlarmName"]) for alarm in ALARMS.values()}
