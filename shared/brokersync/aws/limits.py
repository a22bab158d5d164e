"""The ledger of everything that is limited (ports.LimitLedger)."""

from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.condition import Condition

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.base import Written, any_of
from brokersync.aws.tables.limits import LimitItem, microseconds, pack, unpack
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.ports.limits import LimitEntry

KEPT = timedelta(days=2)  # longer than the longest window
FAILURES = (BotoCoreError, ClientError, PynamoDBException)


class DynamoLimitLedger:
    """One item per key, under 1 KB; every change is one conditional update, and a refusal brings the truth along."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(LimitItem)

    def read(self, key: str) -> LimitEntry | None:
        """The entry as it is."""
        try:
            item = self._items.find(key)
        except FAILURES as error:
            raise _unavailable(error) from error
        return _entry(item) if item else None

    def replace(self, key: str, entry: LimitEntry, *, turn: str) -> LimitEntry | None:
        """Write the entry if the key's is at that turn; returns the one that is there instead, if not."""
        return self._write(key, entry, LimitItem.turn == turn)

    def start(self, key: str, entry: LimitEntry, *, idle_since: datetime) -> LimitEntry | None:
        """Write the entry if the key has none, or none with uses after `idle_since`; returns the one that has."""
        idle = any_of(LimitItem.turn.does_not_exist(), LimitItem.until <= microseconds(idle_since))
        return self._write(key, entry, idle)

    def _write(self, key: str, entry: LimitEntry, condition: Condition) -> LimitEntry | None:
        until = max(uses.until for uses in entry.log)
        actions = [
            LimitItem.turn.set(entry.turn),
            LimitItem.until.set(microseconds(until)),
            LimitItem.log.set(pack(entry.log)),
            LimitItem.expires_at.set(int((until + KEPT).timestamp())),
        ]
        try:
            outcome = self._items.change(key, actions=actions, condition=condition)
        except FAILURES as error:
            raise _unavailable(error) from error
        if isinstance(outcome, Written):
            return None
        if outcome.found is None:
            return LimitEntry(turn="", log=())  # the table's TTL removed it
        found = _entry(outcome.found)
        return None if found.turn == entry.turn else found  # our own: written before, and the answer was lost


def _entry(item: LimitItem) -> LimitEntry:
    return LimitEntry(turn=item.turn, log=unpack(item.log))


def _unavailable(error: Exception) -> RetryLaterError:
    return RetryLaterError(
        ErrorCode.LIMITS_UNAVAILABLE,
        "The broker's limits can't be checked right now.",
        detail=f"limits: {type(error).__name__}",
    )
