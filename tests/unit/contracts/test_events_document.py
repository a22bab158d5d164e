"""docs/events.md tells of every event there is, and of no other; its examples are real."""

import re
from pathlib import Path

import pytest

from brokersync.contracts.events import EVENTS, parse
from brokersync.domain.runs import Outcome

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "events.md").read_text()
EXAMPLES = dict(re.findall(r"^### (\w+)\n\n```json\n(.*)\n```$", PAGE, re.MULTILINE))
BUS, LOG = PAGE.split("## In the log")


def test_each_event_has_its_line_and_its_example():
    # given the tables of the page
    told = re.findall(r"^\| `(\w+)` \|", BUS, re.MULTILINE)
    # then they name the events of the contract, each once
    assert sorted(told) == sorted(EVENTS)
    assert sorted(EXAMPLES) == sorted(EVENTS)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_example_keeps_its_contract_and_leaves_out_no_field(name):
    # when the example is read as a consumer reads it
    event = parse(name, EXAMPLES[name])
    # then it is of its type, and shows every field that the event has to have
    assert type(event) is EVENTS[name]
    required = {field for field, about in EVENTS[name].model_fields.items() if about.is_required()}
    assert required <= event.model_fields_set
    assert event.event_id.endswith(f".{name}")


def test_each_end_of_a_run_has_its_log_line():
    # given the names under which runs end in the log
    ends = {f"sync_job_{outcome.value}" for outcome in Outcome}
    # then the page has them all
    assert ends <= set(re.findall(r"^\| `(\w+)` \|", LOG, re.MULTILINE))
