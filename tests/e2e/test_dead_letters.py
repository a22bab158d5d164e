"""Looking at dead letters and sending them to work again, on the laptop's SQS."""

import zlib
from datetime import UTC, datetime

import pytest

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.runs import RequestedBy
from local.commands.dead_letters import look, redrive
from local.stack.emulator import Emulator

pytestmark = pytest.mark.stack


class Queues:
    """A work queue and its dead-letter queue."""

    def __init__(self, emulator: Emulator, number: int) -> None:
        self.sqs = emulator.session.client("sqs", endpoint_url=emulator.endpoint)
        self.dlq = self.sqs.create_queue(QueueName=f"jobs-{number}-dlq")["QueueUrl"]
        self.work = self.sqs.create_queue(QueueName=f"jobs-{number}")["QueueUrl"]

    def put_dead(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.dlq, MessageBody=body, MessageGroupId="trader")

    def count(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)


@pytest.fixture
def queues(emulator: Emulator, request: pytest.FixtureRequest) -> Queues:
    return Queues(emulator, zlib.crc32(request.node.name.encode()))


def job(number: int) -> SyncJob:
    return SyncJob(
        job_id=f"job_{number}",
        feed_id="acc_1",
        requested_by=RequestedBy.SYSTEM,
        requested_at=datetime.now(UTC),
        tick=number,
    )


def test_a_look_shows_everything_and_leaves_it_there(queues: Queues) -> None:
    # given more dead letters than one answer holds, one of them unreadable
    for number in range(12):
        queues.put_dead(job(number).model_dump_json())
    queues.put_dead("not a job")
    # when they are looked at twice in a row
    first, second = look(queues.sqs, queues.dlq), look(queues.sqs, queues.dlq)
    # then both looks show all of them, the unreadable one with its text
    assert {letter.job.job_id for letter in first if letter.job} == {f"job_{number}" for number in range(12)}
    assert [letter.body for letter in first if letter.job is None] == ["not a job"]
    assert {letter.message_id for letter in second} == {letter.message_id for letter in first}
    assert queues.count(queues.dlq) == 13


def test_i11_redriving_sends_each_job_as_it_was_and_empties_the_queue(queues: Queues) -> None:
    # given dead letters
    bodies = {job(number).model_dump_json() for number in range(12)}
    for body in bodies:
        queues.put_dead(body)
    # when they are redriven
    sent = list(redrive(queues.sqs, queues.dlq, queues.work))
    # then each is back at work with its body, and none is left behind
    assert {letter.body for letter in sent} == bodies
    assert {letter.body for letter in look(queues.sqs, queues.work)} == bodies
    assert queues.count(queues.dlq) == 0


def test_i11_redriving_that_is_interrupted_loses_no_job(queues: Queues) -> None:
    # given dead letters
    bodies = {job(number).model_dump_json() for number in range(5)}
    for body in bodies:
        queues.put_dead(body)
    # when redriving ends after two of them
    redriving = redrive(queues.sqs, queues.dlq, queues.work)
    sent = {next(redriving).body, next(redriving).body}
    redriving.close()
    # then these two are at work, and the rest are where they were
    assert {letter.body for letter in look(queues.sqs, queues.work)} == sent
    assert queues.count(queues.dlq) == 3
