"""`brokersync replay`: let the deployed code read stored answers again. The work is done by the stack, not here."""

from collections.abc import Sequence

import typer

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.feeds import Feed, FeedPurpose
from brokersync.domain.loads import LoadKind, LoadRequest
from brokersync.runtime import RandomIds, SystemClock
from brokersync.services.backfill import Backfill, LoadGoesOnError
from brokersync.services.owe_sync import OweSync
from brokersync.services.own_accounts import OwnAccounts
from local.commands.connect import manifest_of
from local.commands.errors import CommandError
from local.commands.operate import on_stack
from local.commands.stack import Stack


@on_stack
def replay(stack: Stack, account_id: str, broker: str) -> None:
    """Ask for a replay of one account's feed, or of all feeds of a broker."""
    ids, clock = RandomIds(), SystemClock()
    owe = OweSync(stack.feeds, stack.queue, ids, clock)
    own = OwnAccounts(stack.accounts, stack.feeds)
    backfill = Backfill(own, stack.feeds, owe, BrokerCatalog(), ids, clock)
    asked = 0
    for feed in _feeds(stack, account_id, broker):
        try:
            request = LoadRequest(kind=LoadKind.REPLAY, job_id=ids.new("job"))
            backfill.owe(feed, account_id, request)
        except LoadGoesOnError:
            typer.echo(f"{feed.feed_id}: history is being loaded; ask again when that has ended")
            continue
        asked += 1
        typer.echo(f"{feed.feed_id}: {request.job_id} is queued; {feed.coverage.unread} rows are not understood")
    typer.echo(f"{asked} replays asked for; `brokersync status USER` shows how they end")


def _feeds(stack: Stack, account_id: str, broker: str) -> Sequence[Feed]:
    if bool(account_id) == bool(broker):
        raise CommandError("name an account, or a broker by --broker")
    if broker:
        manifest_of(broker)
        return [feed for feed in stack.feeds.all() if feed.broker == broker and _can_run(feed)]
    account = stack.accounts.get(account_id)
    feed = stack.feeds.get(account.feed_id) if account else None
    if feed is None:
        raise CommandError(f"account: there is no {account_id!r}; `brokersync status USER` lists a trader's accounts")
    if not _can_run(feed):
        raise CommandError(
            f"{account_id}: {feed.safe_message or 'it is disconnected'} Nothing runs before that is mended"
        )
    return [feed]


def _can_run(feed: Feed) -> bool:
    return feed.runnable and feed.purpose is FeedPurpose.SYNC
