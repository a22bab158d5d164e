"""The breakers of the fleet (ports.BreakerStore)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.base import Written, all_of, any_of
from brokersync.aws.tables.breakers import BreakerItem
from brokersync.domain.breaker import BreakerState
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.ports.breakers import Probe


class DynamoBreakers:
    """One item per breaker that was ever opened."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(BreakerItem)

    def read(self, keys: Sequence[str]) -> Mapping[str, BreakerState]:
        """The breakers of these keys that are not closed."""
        with _reaching():
            states = {item.circuit: item.to_state() for item in self._items.batch_get(keys)}
        return {key: state for key, state in states.items() if state is not None}

    def open(self, key: str, now: datetime, until: datetime) -> None:
        """Open it, or keep it open longer; ends the probe, if there is one."""
        actions = [
            BreakerItem.since.set(BreakerItem.since | now),
            BreakerItem.open_until.set(until),
            BreakerItem.probe_until.remove(),
        ]
        with _reaching():
            self._items.change(key, actions=actions, condition=None)

    def take_probe(self, key: str, now: datetime, until: datetime) -> Probe:
        """Become the one run that probes, until then, if it is half open and nobody else does."""
        free = any_of(BreakerItem.probe_until.does_not_exist(), BreakerItem.probe_until <= now)
        with _reaching():
            outcome = self._items.change(
                key,
                actions=[BreakerItem.probe_until.set(until)],
                condition=all_of(BreakerItem.open_until <= now, free),
                before=True,
            )
        if isinstance(outcome, Written):
            return Probe(ours=True, state=outcome.old.to_state())
        return Probe(ours=False, state=outcome.found.to_state() if outcome.found else None)

    def give_back(self, key: str, probe_until: datetime) -> None:
        """End our probe, if it is still ours: the next run takes another."""
        with _reaching():
            self._items.change(
                key, actions=[BreakerItem.probe_until.remove()], condition=BreakerItem.probe_until == probe_until
            )

    def close(self, key: str, probe_until: datetime) -> None:
        """The broker answered our probe, if it is still ours."""
        times = (BreakerItem.since, BreakerItem.open_until, BreakerItem.probe_until)
        with _reaching():
            self._items.change(
                key, actions=[time.remove() for time in times], condition=BreakerItem.probe_until == probe_until
            )


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, PynamoDBException) as error:
        raise RetryLaterError(
            ErrorCode.CIRCUIT_OPEN,
            "We can't see right now whether the broker has trouble.",
            detail=f"breakers: {type(error).__name__}",
        ) from error
