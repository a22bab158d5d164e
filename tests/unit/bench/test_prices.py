"""The bill of a sync."""

from dataclasses import replace

import pytest

from tests.bench.prices import PRICES, Surroundings, Work, bill, duration

IDLE = Work(
    deliveries=1,
    wru=0,
    rru=0,
    s3_puts=0,
    s3_gets=0,
    kms_requests=0,
    events=0,
    sqs_requests=0,
    aws_requests=0,
    broker_requests=0,
    cpu_seconds=0.0,
    log_bytes=0,
)
ALONE = Surroundings(batch=1, memory_mb=1024, platform_log_bytes=0)


def test_a_bill_names_each_thing_that_has_a_price() -> None:
    # given nothing done / when the bill is made / then every price is on it, and only the invocation costs
    costs = bill(IDLE, ALONE)
    assert set(costs) == set(PRICES)
    assert costs["lambda_request"] == pytest.approx(0.2)
    assert costs["sqs_request"] == pytest.approx(1.5)  # sent, received, deleted
    assert sum(costs.values()) == pytest.approx(1.7)


@pytest.mark.parametrize(
    ("name", "field", "dollars"),
    [
        ("dynamodb_write_unit", "wru", 0.625),
        ("dynamodb_read_unit", "rru", 0.125),
        ("s3_put", "s3_puts", 5.0),
        ("s3_get", "s3_gets", 0.4),
        ("kms_request", "kms_requests", 3.0),
        ("event", "events", 1.0),
    ],
)
def test_a_million_syncs_cost_a_million_units(name: str, field: str, dollars: float) -> None:
    # given a sync with two of a thing / when the bill is made / then a million of them cost two million prices
    assert bill(replace(IDLE, **{field: 2}), ALONE)[name] == pytest.approx(2 * dollars)


def test_a_batch_shares_what_it_does_once() -> None:
    # given ten jobs in an invocation / when the bill is made / then a job pays a tenth of request, queue and start line
    ten = replace(ALONE, batch=10, platform_log_bytes=1000)
    costs = bill(replace(IDLE, log_bytes=500), ten)
    assert costs["lambda_request"] == pytest.approx(0.02)
    assert costs["sqs_request"] == pytest.approx(0.15)
    assert costs["log_kilobyte"] == pytest.approx(0.6 * 0.5)


def test_coming_back_for_an_answer_costs_another_invocation() -> None:
    # given a sync that took two deliveries, and sent the message of the second one itself
    twice = replace(IDLE, deliveries=2, sqs_requests=1)
    # when the bill is made / then there are two invocations, and two messages that are received and deleted
    costs = bill(twice, ALONE)
    assert costs["lambda_request"] == pytest.approx(0.4)
    assert costs["sqs_request"] == pytest.approx(3.0)


def test_jobs_of_a_batch_wait_side_by_side_and_calculate_one_by_one() -> None:
    # given a sync with two requests to the broker, four to AWS and 10 ms of work, on a whole processor
    work = replace(IDLE, broker_requests=2, aws_requests=4, cpu_seconds=0.010)
    around = Surroundings(batch=10, memory_mb=1769, broker_seconds=0.1, aws_seconds=0.005)
    # when ten of them make an invocation / then they wait 220 ms together and work 100 ms
    assert duration(work, around) == pytest.approx(0.320)
    # and a job pays a tenth of 0.32 s at 1.73 GB
    assert bill(work, around)["lambda_gb_second"] == pytest.approx(0.032 * 1769 / 1024 * 13.3334)


def test_every_price_says_where_and_when_it_was_read() -> None:
    # given the table / when a price is looked at / then its source ends with a year
    assert all(price.source[-4:].isdigit() for price in PRICES.values())
