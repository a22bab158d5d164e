"""What a request costs, by the items before and after it, on moto's tables."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests.bench.dynamo_costs import DynamoCosts, Units
from tests.bench.units import Index, TableShape
from tests.bench.wire import Call, UnknownRequestError

SHAPE = TableShape(key=("id",), indexes=(Index(key=("user", "id"), projected=frozenset({"id", "user"})),))


@pytest.fixture
def client() -> Iterator[object]:
    """DynamoDB with one table `t`."""
    with mock_aws():
        made = boto3.client("dynamodb", region_name="us-east-1")
        made.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield made


def cost(client, operation: str, request: dict[str, object], status: int = 200) -> Units:
    """Send a request and count it; with a status other than 200 it is counted as refused and not sent."""
    costs = DynamoCosts(client, {"t": SHAPE})
    call = Call("dynamodb", operation, request)
    before = costs.images(call)
    if status == 200:
        name = {"PutItem": "put_item", "UpdateItem": "update_item", "TransactWriteItems": "transact_write_items"}
        getattr(client, name[operation])(**request)
    return costs.units(call, before, status)


def item(name: str, size: int = 10) -> dict[str, dict[str, str]]:
    return {"id": {"S": name}, "user": {"S": "u"}, "pad": {"S": "x" * size}}


def test_a_put_and_an_update_are_counted_by_what_is_stored(client) -> None:
    # given an empty table / when an item of 2 KB is put, and then a field of it changes that no index has
    put = cost(client, "PutItem", {"TableName": "t", "Item": item("1", 1500)})
    update = {
        "TableName": "t",
        "Key": {"id": {"S": "1"}},
        "UpdateExpression": "SET news = :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    }
    # then the put costs 2 and its index entry 1, the update 2
    assert put == Units(wru=3)
    assert cost(client, "UpdateItem", update) == Units(wru=2)


def test_a_transaction_is_counted_item_by_item(client) -> None:
    # given an item / when a transaction puts another one and changes the first
    cost(client, "PutItem", {"TableName": "t", "Item": item("1")})
    update = {
        "TableName": "t",
        "Key": {"id": {"S": "1"}},
        "UpdateExpression": "SET news = :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    }
    actions = [{"Put": {"TableName": "t", "Item": item("2")}}, {"Update": update}]
    # then the put costs 2 and its entry 1, the update 2
    assert cost(client, "TransactWriteItems", {"TransactItems": actions}) == Units(wru=5)


def test_what_is_refused_is_billed_too(client) -> None:
    # given an item of 2 KB / when a write of it is refused / then that size is billed, twice in a transaction
    cost(client, "PutItem", {"TableName": "t", "Item": item("1", 1500)})
    put = {"TableName": "t", "Item": item("1")}
    assert cost(client, "PutItem", put, status=400) == Units(wru=2)
    assert cost(client, "TransactWriteItems", {"TransactItems": [{"Put": put}]}, status=400) == Units(wru=4)


def test_reads_are_counted_by_what_they_read_and_not_by_what_they_return(client) -> None:
    # given an item of 5 KB
    cost(client, "PutItem", {"TableName": "t", "Item": item("1", 5000)})
    get = {"TableName": "t", "Key": {"id": {"S": "1"}}, "ConsistentRead": True, "ProjectionExpression": "id"}
    query = {
        "TableName": "t",
        "KeyConditionExpression": "id = :i",
        "ExpressionAttributeValues": {":i": {"S": "1"}},
        "ProjectionExpression": "id",
    }
    several = {"RequestItems": {"t": {"Keys": [{"id": {"S": "1"}}, {"id": {"S": "2"}}], "ConsistentRead": True}}}
    costs = DynamoCosts(client, {"t": SHAPE})
    # when its key alone is asked for / then the whole item is billed
    assert costs.units(Call("dynamodb", "GetItem", get), [], 200) == Units(rru=2)
    assert costs.units(Call("dynamodb", "Query", query), [], 200) == Units(rru=1)
    # and of several each by itself, those too that are not there
    assert costs.units(Call("dynamodb", "BatchGetItem", several), [], 200) == Units(rru=3)


def test_an_operation_that_is_not_counted_is_never_free(client) -> None:
    # given an operation without a rule / when it is counted / then that is an error
    with pytest.raises(UnknownRequestError, match="Scan"):
        DynamoCosts(client, {"t": SHAPE}).units(Call("dynamodb", "Scan", {"TableName": "t"}), [], 200)
