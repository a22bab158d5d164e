"""What all tables share: their settings, and conditional writes that tell what they met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, Self, TypeVar, cast
from uuid import uuid4

from botocore.exceptions import ClientError
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE
from pynamodb.expressions.condition import And, Condition, Or
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, Projection
from pynamodb.models import MetaProtocol, Model

from brokersync.aws.tables.records import RawItem

Item = TypeVar("Item", bound="Table")
Request = dict[str, Any]  # of DynamoDB's API


def settings(table_name: str) -> MetaProtocol:
    """A model's `Meta`. The name gets the stack's prefix when a session binds the model."""
    meta = type("Meta", (), {"table_name": table_name, "billing_mode": PAY_PER_REQUEST_BILLING_MODE})
    return cast("MetaProtocol", meta)


def all_of(*conditions: Condition) -> Condition:
    """All of them hold; pynamodb's own `&` and `|` have no types."""
    return reduce(And, conditions)


def any_of(*conditions: Condition) -> Condition:
    """One of them holds."""
    return reduce(Or, conditions)


class TableIndex(GlobalSecondaryIndex[Item]):
    """A table's index, declared as `class FeedsDue(TableIndex["FeedItem"], name="due", projection=...)`."""

    def __init_subclass__(cls, *, name: str, projection: Projection) -> None:
        """Give pynamodb the settings that it looks for."""
        cls.Meta = type("Meta", (), {"index_name": name, "projection": projection})
        super().__init_subclass__()  # type: ignore[no-untyped-call]  # pynamodb leaves it without types


@dataclass(frozen=True, slots=True)
class Written(Generic[Item]):
    """The condition held. `before` is the item as it was, where the write asked for it."""

    before: Item | None

    @property
    def old(self) -> Item:
        """The item as it was. Raises LookupError when there was none, or the write did not ask for it."""
        if self.before is None:
            raise LookupError("there was no item before this write")
        return self.before


@dataclass(frozen=True, slots=True)
class Refused(Generic[Item]):
    """The condition did not hold, nothing was written. `found` is the item as it is; None: there is none."""

    found: Item | None


class Table(Model):
    """A table's model. AwsSession.table binds it to a name and to the process's one connection."""

    @classmethod
    def find(cls, hash_key: str, range_key: str | None = None) -> Self | None:
        """The item, read strongly consistent; None if there is none."""
        try:
            return cls.get(hash_key, range_key, consistent_read=True)
        except cls.DoesNotExist:
            return None

    @classmethod
    def change(
        cls,
        hash_key: str,
        range_key: str | None = None,
        *,
        actions: Sequence[Action],
        condition: Condition | None,
        before: bool = False,
    ) -> Written[Self] | Refused[Self]:
        """One UpdateItem. A refusal brings the item along, so it costs no second request."""
        request = cls.change_request(hash_key, range_key, actions=actions, condition=condition)
        return cls.send_change(request, before=before)

    @classmethod
    def send_change(cls, request: Request, *, before: bool = False) -> Written[Self] | Refused[Self]:
        """The UpdateItem of a `change_request`."""
        return cls._send("update_item", request | {"ReturnValues": "ALL_OLD" if before else "NONE"})

    @classmethod
    def erase(cls, hash_key: str, *, condition: Condition) -> Written[Self] | Refused[Self]:
        """One DeleteItem, if the condition holds."""
        return cls._send("delete_item", cls.check_request(hash_key, condition=condition))

    @classmethod
    def check_request(cls, hash_key: str, range_key: str | None = None, *, condition: Condition | None) -> Request:
        """What a DeleteItem, or a check or a deletion inside a transaction, asks."""
        return cls._get_connection().get_operation_kwargs(
            hash_key, range_key=range_key, condition=condition, return_values_on_condition_failure="ALL_OLD"
        )

    @classmethod
    def transact(cls, requests: Sequence[Request]) -> Mapping[int, RawItem | None]:
        """Do all (`{"Put": put_request}`, ...) or nothing; returns what refused it, by its place, with what it met."""
        try:
            getattr(cls._get_connection().connection.client, "transact_write_items")(  # noqa: B009 (the stubs lack it)
                TransactItems=list(requests),
                # When the answer is lost, the client asks again with this token: the transaction takes effect once.
                ClientRequestToken=uuid4().hex,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            reasons = cast("Sequence[dict[str, Any]]", error.response["CancellationReasons"])
            refused = {at: one for at, one in enumerate(reasons) if one["Code"] == "ConditionalCheckFailed"}
            if not refused:
                raise  # a conflict that outlasted the client's own retries
            return {at: reason.get("Item") for at, reason in refused.items()}
        return {}

    def insert(self, condition: Condition) -> Written[Self] | Refused[Self]:
        """One PutItem, if the condition holds."""
        return self._send("put_item", self.put_request(self.serialize(), condition))

    @classmethod
    def change_request(
        cls, hash_key: str, range_key: str | None = None, *, actions: Sequence[Action], condition: Condition | None
    ) -> Request:
        """The update as a request of its own or of a transaction."""
        return cls._get_connection().get_operation_kwargs(
            hash_key,
            range_key=range_key,
            actions=actions,
            condition=condition,
            return_values_on_condition_failure="ALL_OLD",
        )

    @classmethod
    def put_request(cls, item: RawItem, condition: Condition) -> Request:
        """The put of a whole item as a request of its own or of a transaction."""
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        request = {
            "TableName": cls.Meta.table_name,
            "Item": item,
            "ConditionExpression": condition.serialize(names, values),
            "ExpressionAttributeNames": {placeholder: name for name, placeholder in names.items()},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return request | {"ExpressionAttributeValues": values} if values else request

    @classmethod
    def _send(cls, operation: str, request: Request) -> Written[Self] | Refused[Self]:
        try:
            answer = getattr(cls._get_connection().connection.client, operation)(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            found: dict[str, Any] | None = error.response.get("Item")  # type: ignore[assignment]  # the stubs lack it
            return Refused(cls.from_raw_data(found) if found else None)
        old = answer.get("Attributes")
        return Written(cls.from_raw_data(old) if old else None)
