"""One session, one client per service, one connection for all tables."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import DataNotFoundError
from botocore.serialize import JSONSerializer
from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from brokersync.aws.session import AwsSession


class Shelf(Model):
    class Meta:
        table_name = "shelves"

    shelf_id = UnicodeAttribute(hash_key=True)


class Box(Model):
    class Meta:
        table_name = "boxes"

    box_id = UnicodeAttribute(hash_key=True)


def test_ten_threads_get_one_client():
    # given a cold session
    session = AwsSession()
    # when ten threads ask for the same client at once
    with ThreadPoolExecutor(10) as threads:
        clients = list(threads.map(lambda _: session.client("sqs"), range(10)))
    # then there is only one
    assert len({id(client) for client in clients}) == 1


def test_all_tables_share_the_sessions_dynamodb_client():
    # given two models bound to one session
    session = AwsSession()
    shelf, box = session.table(Shelf), session.table(Box)
    # then both speak through its one client
    client = session.client("dynamodb")
    assert shelf._get_connection().connection.client is client
    assert box._get_connection().connection.client is client
    assert client.meta.config.max_pool_connections == 32


def test_a_models_name_is_bound_late_and_per_session():
    # given the same model in two sessions
    first, second = AwsSession(table_prefix="a-").table(Shelf), AwsSession(table_prefix="b-").table(Shelf)
    # then each keeps its own name, and the model has not changed
    assert (first.Meta.table_name, second.Meta.table_name, Shelf.Meta.table_name) == (
        "a-shelves",
        "b-shelves",
        "shelves",
    )
    assert first._get_connection().table_name == "a-shelves"


def test_the_laptops_endpoint_is_honoured(monkeypatch: pytest.MonkeyPatch):
    # given the laptop's AWS
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    # then every client goes there, tables included
    session = AwsSession()
    assert session.client("s3").meta.endpoint_url == "http://127.0.0.1:4566"
    assert session.table(Shelf)._get_connection().connection.client.meta.endpoint_url == "http://127.0.0.1:4566"


def test_a_service_that_does_not_exist_is_an_error():
    # given the loader that takes folders for services
    with pytest.raises(DataNotFoundError):
        AwsSession().client("no-such-service")  # type: ignore[call-overload]


def test_a_request_is_the_same_as_botocores_own():
    # given a transaction and a put with texts, numbers, nested values and bytes
    client = AwsSession(region="us-east-1").client("dynamodb")
    item = {
        "id": {"S": "\N{EURO SIGN}"},
        "n": {"N": "1.5"},
        "m": {"M": {"l": {"L": [{"BOOL": True}, {"NULL": True}]}}},
        "ss": {"SS": ["a"]},
    }
    put = {"TableName": "t", "Item": item, "ExpressionAttributeValues": {":0": {"S": "x"}}}
    packed = {"TableName": "t", "Item": {"id": {"S": "x"}, "b": {"B": b"\x00\xff"}}}
    for operation, parameters in {
        "TransactWriteItems": {"TransactItems": [{"Put": put}, {"Put": packed}], "ClientRequestToken": "token"},
        "PutItem": packed,
    }.items():
        model = client.meta.service_model.operation_model(operation)
        # when the client serialises it
        ours = client._serializer.serialize_to_request(parameters, model)
        # then it is byte for byte what botocore would have sent
        assert ours == JSONSerializer().serialize_to_request(parameters, model)
        assert type(client._serializer) is not JSONSerializer
