"""An account's round trips and what they earned, worked out from its executions whenever somebody asks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from brokersync.domain.round_trips import PnlDay, RoundTrip, pnl_by_day, round_trips
from brokersync.ports.reading import TradeFilter, TradesReader
from brokersync.services.own_accounts import OwnAccounts


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTripsPage:
    """Some round trips; `next_before` is where the following page starts, empty at the end."""

    round_trips: Sequence[RoundTrip]
    next_before: str


class ReadRoundTrips:
    """Reads round trips by the time of their exit."""

    def __init__(self, own: OwnAccounts, trades: TradesReader) -> None:
        self._own, self._trades = own, trades

    def page(self, user_id: str, account_id: str, only: TradeFilter, *, limit: int, before: str = "") -> RoundTripsPage:
        """At most `limit` round trips of one account, newest first. Raises AccountNotFoundError."""
        closed = reversed(self.all(user_id, account_id, only))
        found = [trip for trip in closed if not before or trip.time_key < before]
        page = found[:limit]
        return RoundTripsPage(round_trips=page, next_before=page[-1].time_key if len(found) > limit else "")

    def by_day(self, user_id: str, account_id: str, only: TradeFilter, zone: tzinfo) -> Sequence[PnlDay]:
        """Realised P&L of one account by day and currency, oldest first. Raises AccountNotFoundError."""
        return pnl_by_day(self.all(user_id, account_id, only), zone)

    def all(self, user_id: str, account_id: str, only: TradeFilter) -> Sequence[RoundTrip]:
        """All round trips that were closed in the time of the filter, oldest first. Raises AccountNotFoundError.

        What was opened before that time is looked for, too: so all executions before its end are read.
        """
        account = self._own.account(user_id, account_id)
        executions = self._trades.oldest_first(account.account_id, replace(only, since=None))
        found = sorted(round_trips(executions, account.currency), key=lambda trip: trip.time_key)
        return [trip for trip in found if only.since is None or trip.closed_at.utc >= only.since]
