"""One round of syncs: the demo's traders connect, the schedule's tick comes at once, everybody waits for the end."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from brokersync.aws.users import DynamoUsers
from brokersync.domain.feeds import Feed, FetchScope
from brokersync.domain.plans import Plan
from brokersync.domain.runs import Outcome
from local.commands.connect import connect, manifest_of
from local.commands.stack import Stack
from local.demo.brokers import ONE, TWO, DemoConnection

ROUND_SECONDS = 90.0
PLANS: Mapping[str, Plan] = {ONE: Plan.ELITE, TWO: Plan.PRO}


class RoundError(Exception):
    """The round did not come to an end in time; names the feeds that are still at work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A demo connection with the id of the feed it got."""

    demo: DemoConnection
    feed_id: str


def connect_all(stack: Stack, connections: Sequence[DemoConnection]) -> Sequence[Connected]:
    """Put the traders on their plans and connect their accounts; each first sync is owed then, and on its way."""
    users = DynamoUsers(stack.session)
    for trader, plan in PLANS.items():
        users.set_plan(stack.user_id(trader), plan)
    return [Connected(demo=demo, feed_id=feed.feed_id) for demo in connections for feed in _connect(stack, demo)]


def _connect(stack: Stack, demo: DemoConnection) -> Sequence[Feed]:
    manifest = manifest_of(demo.broker)
    finds_accounts = manifest.fetch_scope is FetchScope.CONNECTION
    return connect(
        stack,
        manifest,
        user_id=stack.user_id(demo.trader),
        environment=demo.environment,
        credentials=demo.credentials,
        broker_account_ids=[] if finds_accounts else demo.account_numbers,
        interval_min=None,
    )


def wait_until_settled(stack: Stack, connected: Sequence[Connected], tell: Callable[[str], None]) -> None:
    """Wait for the end of every feed's first sync, telling how many have got there. Raises RoundError."""
    deadline = time.monotonic() + ROUND_SECONDS
    while True:
        open_feeds = [one.feed_id for one in connected if not has_settled(stack.feeds.get(one.feed_id))]
        tell(f"{len(connected) - len(open_feeds)} of {len(connected)} done")
        if not open_feeds:
            return
        if time.monotonic() > deadline:
            raise RoundError(f"after {ROUND_SECONDS:.0f} s still at work: {', '.join(open_feeds)}")
        time.sleep(0.2)


def has_settled(feed: Feed | None) -> bool:
    """Whether nobody is at work on the feed, and nothing more is owed to it than a retry after a failure."""
    if feed is None or feed.lease is not None or feed.outcome in {None, Outcome.DEFERRED}:
        return False
    return feed.wanted is None or feed.outcome is Outcome.FAILED
