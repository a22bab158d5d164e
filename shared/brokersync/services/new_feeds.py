"""The feeds of a connection whose broker answers per account: made anew, or taken over with their history."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from brokersync.contracts.jobs import SyncJob
from brokersync.domain.feeds import Feed, Lease, Wanted
from brokersync.domain.identity import account_id_in
from brokersync.domain.plans import Plan
from brokersync.domain.portfolio import AccountInfo
from brokersync.domain.runs import RequestedBy
from brokersync.ports.accounts import Accounts, TradingAccount
from brokersync.ports.connections import Connection
from brokersync.ports.feeds import Feeds
from brokersync.ports.world import Clock, Ids
from brokersync.services.relink import Relink
from brokersync.services.store_chunk import mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How the feeds of a connection are scheduled."""

    plan: Plan
    interval_min: int
    chosen_min: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an account goes: `known` is the one that it is already, `account` the row that it has or gets."""

    account: TradingAccount
    known: TradingAccount | None


class NewFeeds:
    """Makes feeds; each step may be repeated by a worker that comes later."""

    def __init__(self, *, feeds: Feeds, accounts: Accounts, relink: Relink, clock: Clock, ids: Ids) -> None:
        self._feeds = feeds
        self._accounts = accounts
        self._relink = relink
        self._clock = clock
        self._ids = ids

    def places(self, connection: Connection, found: Sequence[AccountInfo]) -> Sequence[Place]:
        """Where each account goes; nothing is written. Raises UserActionNeededError (already_connected)."""
        places = []
        for info in found:
            account_id = account_id_in(connection.connection_id, info.broker_account_id)
            account = TradingAccount(
                account_id=account_id,
                user_id=connection.user_id,
                feed_id=account_id,
                connection_id=connection.connection_id,
                broker=connection.broker,
                broker_account_id=info.broker_account_id,
                masked_number=mask(info.broker_account_id),
                name=info.name,
                currency=info.currency,
                environment=connection.environment,
            )
            places.append(Place(account=account, known=self._relink.find(account, connection)))
        return places

    def make(
        self, connection: Connection, places: Sequence[Place], terms: Terms, *, under: Lease | None
    ) -> Sequence[Feed]:
        """Give each account its feed, owing a first sync. `under` fences it by the set-up feed's epoch.

        Raises LeaseLostError.
        """
        # Fenced first: then a worker that wakes late ends here, before it touches anything of another connection.
        feeds = [self._feed(connection, place, terms, under) for place in places]
        known = [place.known for place in places if place.known is not None]
        self._relink.release(known, connection)
        for account in known:
            self._accounts.move(account, feed_id=account.feed_id, connection_id=connection.connection_id)
        for place in places:
            self._accounts.ensure(_under(connection, place))
        return feeds

    def _feed(self, connection: Connection, place: Place, terms: Terms, under: Lease | None) -> Feed:
        """The account's feed: the one that it has, under the new credentials, or a new one."""
        account, known = _under(connection, place), place.known
        wanted = Wanted(job_id=self._ids.new("job"), kind=RequestedBy.CONNECT, not_before=self._clock.now())
        if known is not None and known.connection_id != connection.connection_id:
            self._feeds.renew(known.feed_id, connection, wanted, of=known.connection_id, under=under)
        feed = Feed(
            feed_id=account.feed_id,
            user_id=connection.user_id,
            connection_id=connection.connection_id,
            connection_version=connection.version,
            broker=connection.broker,
            plan=terms.plan,
            interval_min=terms.interval_min,
            accounts={account.broker_account_id: account.account_id},
            chosen_min=terms.chosen_min,
            wanted=wanted,
        )
        found = self._feeds.get(feed.feed_id)
        if found is None and under is not None:
            self._feeds.ensure(under, feed)
        elif found is None:
            self._feeds.create(feed)
        return found or feed


def _under(connection: Connection, place: Place) -> TradingAccount:
    """The account as it is once it belongs to the connection."""
    return place.account if place.known is None else replace(place.known, connection_id=connection.connection_id)


def first_job(feed: Feed, now: datetime) -> tuple[SyncJob, str, int]:
    """The message that wakes what a feed owes, as ports.SyncQueue takes it. Raises ValueError when it owes nothing."""
    if feed.wanted is None:
        raise ValueError(f"{feed.feed_id} owes nothing")
    job = SyncJob(job_id=feed.wanted.job_id, feed_id=feed.feed_id, requested_by=feed.wanted.kind, requested_at=now)
    return job, feed.user_id, max(0, math.ceil((feed.wanted.not_before - now).total_seconds()))
