"""Requests as they go over the wire, and the AWS that repeats its answers."""

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from tests.bench.counting import Answer, Counted, Recording
from tests.bench.dynamo_costs import Units
from tests.bench.null_aws import NullAws, null_aws
from tests.bench.wire import UnknownRequestError, read


def sent(service: str, operation: str, **arguments: object) -> AWSRequest:
    """The request that boto3 sends."""
    caught: list[AWSRequest] = []

    def catch(request: AWSRequest, **_: object) -> None:
        caught.append(request)
        raise ConnectionError

    client = boto3.client(service, region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    client.meta.events.register("before-send", catch)
    with pytest.raises(ConnectionError):
        getattr(client, operation)(**arguments)
    return caught[0]


def call(request: AWSRequest):
    headers = {
        name.lower(): text.decode() if isinstance(text, bytes) else text for name, text in request.headers.items()
    }
    return read(request.method, headers, request.body or b"")


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "expected"),
    [
        ("dynamodb", "put_item", {"TableName": "t", "Item": {"id": {"S": "1"}}}, "dynamodb PutItem t "),
        ("sqs", "send_message", {"QueueUrl": "http://127.0.0.1:9/q", "MessageBody": "b"}, "sqs SendMessage  "),
        ("kms", "decrypt", {"CiphertextBlob": b"x"}, "kms Decrypt  "),
        ("events", "put_events", {"Entries": [{"Source": "s"}]}, "events PutEvents  "),
        ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x"}, "s3 PutObject  "),
    ],
)
def test_each_service_we_use_is_recognised(service: str, operation: str, arguments, expected: str) -> None:
    # given what boto3 sends / when it is read / then service, operation and table are known
    assert call(sent(service, operation, **arguments)).key == expected


def test_a_request_of_another_form_is_an_error() -> None:
    # given a request without a signature / when it is read / then it is refused, not counted as nothing
    with pytest.raises(UnknownRequestError):
        read("POST", {}, b"{}")


@pytest.fixture
def nobody():
    """A null AWS that was taught nothing."""
    with null_aws() as running:
        yield running


def test_a_null_aws_gives_the_answer_that_it_was_taught_and_no_other(nobody: NullAws) -> None:
    # given a null AWS that saw one GetItem answered
    body = b'{"Item":{"id":{"S":"1"}}}'
    answer = Answer(status=200, headers={"Content-Type": "application/x-amz-json-1.0"}, body=body)
    seen = Counted(
        service="dynamodb",
        operation="GetItem",
        table="t",
        entries=0,
        units=Units(),
        key="dynamodb GetItem t ",
        answer=answer,
    )
    nobody.teach(Recording(requests=[seen]))
    client = boto3.client("dynamodb", region_name="us-east-1", endpoint_url=nobody.endpoint)
    # when it is asked that again, and for another table
    again = client.get_item(TableName="t", Key={"id": {"S": "2"}})
    # then it repeats the one answer, and refuses the other question
    assert again["Item"] == {"id": {"S": "1"}}
    with pytest.raises(ClientError, match="never answered before: dynamodb GetItem other"):
        client.get_item(TableName="other", Key={"id": {"S": "2"}})
