"""Shared items are written only by updates with a condition: saving a whole item would undo what others wrote."""

import ast
from pathlib import Path

import brokersync.aws
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.session import AwsSession
from brokersync.aws.tables.feeds import FeedItem
from brokersync.domain.coverage import Coverage
from brokersync.domain.feeds import Announcement
from brokersync.domain.plans import Plan
from brokersync.ports.feeds import Acquired
from tests.contract import made

SHARED = Path(brokersync.aws.__file__).parents[1]
WHOLE_ITEM = {"save", "put_item", "batch_write", "batch_write_item", "delete", "delete_item"}


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]


def source(node: ast.AST) -> str:
    return ast.unparse(node)


def test_no_adapter_saves_a_whole_item():
    # given all code that knows the tables
    found = []
    for path in sorted((SHARED / "aws").rglob("*.py")):
        found += [
            f"{path.name}:{call.lineno} {source(call)}"
            for call in calls(ast.parse(path.read_text()))
            if call.func.attr in WHOLE_ITEM and "condition" not in source(call).lower()
        ]
    # then nothing writes or deletes an item without a condition (a set's `delete` is an update)
    assert [call for call in found if "SchedulerItem.paused.delete" not in call] == []


def test_nothing_outside_aws_reaches_the_tables():
    # given all other code
    outside = [path for path in SHARED.rglob("*.py") if SHARED / "aws" not in path.parents]
    # then it has no model that it could save
    assert [path.name for path in outside if "aws.tables" in path.read_text()] == []


def test_a_feed_is_put_once_and_then_only_updated_by_condition(tables: AwsSession):
    # given a record of every request to DynamoDB
    requests: list[tuple[str, dict]] = []
    tables.client("dynamodb").meta.events.register(
        "before-parameter-build.dynamodb", lambda params, model, **_: requests.append((model.name, dict(params)))
    )
    feeds, ledger = DynamoFeeds(tables), DynamoLedger(tables)
    # when a feed lives through all that can happen to it
    feeds.create(made.feed())
    feeds.want("acc_1", made.wanted())
    feeds.want("acc_1", made.wanted(at=made.after(minutes=-1)))
    got = feeds.acquire("acc_1", token="t", run_id="r", job=made.job(), now=made.NOW)
    assert isinstance(got, Acquired)
    feeds.add_accounts(got.lease, {"U1": "acc_2"})
    feeds.advance(got.lease, "1", Coverage(), None)
    ledger.insert(got.lease, [made.new(made.execution())], "2")
    feeds.reschedule(feeds.get("acc_1"), made.schedule(Plan.FREE, 60))
    event = Announcement(event_id="e", detail_type="t", detail={})
    feeds.finish(got.lease, made.finish(announce=(event,)), got.feed)
    feeds.announced("acc_1", [event])
    # then it was put when there was none, and each write had a condition
    writes = [request for name, request in requests if name in {"PutItem", "UpdateItem", "TransactWriteItems"}]
    flat = [write for one in writes for write in one.get("TransactItems", [one])]
    parts = [next(iter(write.values())) if set(write) <= {"Put", "Update"} else write for write in flat]
    of_feeds = [part for part in parts if part["TableName"] == tables.table(FeedItem).Meta.table_name]
    assert len(of_feeds) >= 10
    assert all(part["ConditionExpression"] for part in of_feeds)
    assert [part["ConditionExpression"] for part in of_feeds if "Item" in part] == ["attribute_not_exists (#0)"]
