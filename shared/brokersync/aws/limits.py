"""The fleet's ledger of requests, for brokers that count by credential (I6)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.base import Written
from brokersync.aws.tables.limits import LimitItem, microseconds, microseconds_in
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.limiter import Pace, Reservation, reserve
from brokersync.domain.manifests import LimitWindow

TRIES = 16
KEPT = timedelta(days=1)  # after its last window has run empty, a key is of no more use
MOST_SEEN = 10_000


class DynamoPermits:
    """ports.Permits over one item per key; a permit is one conditional update, whoever else takes one meanwhile.

    The update holds for every state in which its slot is right: idle windows start anew at now, windows inside their
    burst add a step. Only a permit that has to wait depends on the exact state. What the process has seen of a key is
    where it starts from; a refusal brings the truth.
    """

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(LimitItem)
        self._seen: dict[str, Mapping[str, datetime]] = {}

    def take(self, key: str, windows: Sequence[LimitWindow], now: datetime) -> datetime:
        """Reserve one request; a slot further away than RESERVE_AHEAD is only told, and costs no write.

        Raises RetryLaterError (limits_unavailable) when the table can't be reached, or everybody wants the key.
        """
        if not windows:
            return now
        paces = [Pace.of(window) for window in windows]
        known = self._seen.get(key, {})
        for _ in range(TRIES):
            reservation = reserve(known, paces, now)
            if not reservation.is_near(now):
                return reservation.slot  # at the earliest: what we have seen of the key can only have grown
            refused = self._write(key, known, paces, reservation, now)
            known = reservation.following if refused is None else refused
            self._remember(key, known)
            if refused is None:
                return reservation.slot
        raise _unavailable(f"{TRIES} updates of one key were overtaken")

    def _write(
        self,
        key: str,
        known: Mapping[str, datetime],
        paces: Sequence[Pace],
        reservation: Reservation,
        now: datetime,
    ) -> Mapping[str, datetime] | None:
        """Take the permit; returns the key's true state if it isn't one in which this permit may be taken."""
        waits = reservation.slot > now
        steps = [_step(pace, known.get(pace.name), reservation.following[pace.name], now, waits) for pace in paces]
        condition = steps[0][1]
        for _, further in steps[1:]:
            condition &= further
        ends = max(reservation.following.values()) + KEPT
        expiry = LimitItem.expires_at.set(microseconds(ends) // 1_000_000)
        try:
            outcome = self._items.change(key, actions=[expiry, *(action for action, _ in steps)], condition=condition)
        except (BotoCoreError, ClientError) as error:
            raise _unavailable(type(error).__name__) from error
        if isinstance(outcome, Written):
            return None
        return outcome.found.following if outcome.found else {}

    def _remember(self, key: str, known: Mapping[str, datetime]) -> None:
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen[key] = known


def _step(pace: Pace, before: datetime | None, after: datetime, now: datetime, waits: bool) -> tuple[Action, Condition]:
    """How a window moves, and in which states it may move like that."""
    window = LimitItem.window(pace.name)
    if waits:
        exactly = window.does_not_exist() if before is None else window == microseconds(before)
        return window.set(microseconds(after)), exactly
    if before is None or before < now:
        return window.set(microseconds(after)), window.does_not_exist() | (window < microseconds(now))
    inside = window.between(microseconds(now), microseconds(now + pace.slack))
    return window.set(window + microseconds_in(pace.step)), inside


def _unavailable(detail: str) -> RetryLaterError:
    return RetryLaterError(
        ErrorCode.LIMITS_UNAVAILABLE, "The broker's limits can't be checked right now.", detail=f"limits: {detail}"
    )
