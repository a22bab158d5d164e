"""One round of syncs: the demo's traders connect, the schedule's tick comes at once, everybody waits for the end."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from brokersync.aws.users import DynamoUsers
from brokersync.contracts import http
from brokersync.domain.feeds import Feed, FetchScope
from brokersync.domain.plans import CHOOSABLE_INTERVALS_MIN
from brokersync.domain.runs import Outcome
from brokersync.domain.status import AccountStatus
from local.commands.connect import connect, manifest_of
from local.commands.stack import Stack
from local.demo.cast import DemoConnection
from local.demo.people import PLANS
from local.stack.laptop import Laptop

ROUND_SECONDS = 240.0  # some 15 s of work; a slow machine can run into a broker's limit, which means a minute's wait
LOOK_SECONDS = 0.3


class RoundError(Exception):
    """The round did not come to an end, or nobody can say how it ended; says what was in the way."""


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
        interval_min=CHOOSABLE_INTERVALS_MIN[0],  # as often as the plan allows
    )


def sync_all(here: Laptop, stack: Stack, connected: Sequence[Connected], tell: Callable[[str], None]) -> int:
    """Tick as the schedule does, and wait for the end of every feed's first sync, telling how many have got there.

    Returns how many feeds the tick found due. Raises RoundError and DispatchError.
    """
    deadline = time.monotonic() + ROUND_SECONDS
    pool = ThreadPoolExecutor(1)
    tick = pool.submit(here.tick)
    pool.shutdown(wait=False)
    while True:
        open_feeds = [one.feed_id for one in connected if not has_settled(stack.feeds.get(one.feed_id))]
        tell(f"{len(connected) - len(open_feeds)} of {len(connected)} done")
        if tick.done() and not open_feeds:
            return tick.result()["due"]
        if time.monotonic() > deadline:
            names = "\n".join(_at_work(stack.feeds.get(feed_id)) for feed_id in open_feeds) or "the dispatcher"
            raise RoundError(f"after {ROUND_SECONDS:.0f} s still at work: {names}\n{here.emulator.errors()}")
        time.sleep(LOOK_SECONDS)


def told_by_api(here: Laptop) -> Mapping[str, http.Account]:
    """What the API tells the traders, by our account id, once no account is syncing. Raises RoundError."""
    deadline = time.monotonic() + ROUND_SECONDS
    while True:
        told = {account.account_id: account for trader in PLANS for account in _accounts(here, trader)}
        if all(account.sync.status is not AccountStatus.SYNCING for account in told.values()):
            return told
        if time.monotonic() > deadline:
            raise RoundError(f"after {ROUND_SECONDS:.0f} s the API still tells of syncs at work")
        time.sleep(LOOK_SECONDS)


def _accounts(here: Laptop, trader: str) -> Sequence[http.Account]:
    headers = {"Authorization": f"Bearer {here.issuer.token(trader)}"}
    try:
        answer = httpx.get(f"{here.api_url}/trading-accounts", headers=headers, timeout=30).raise_for_status()
    except httpx.HTTPError as error:
        raise RoundError(f"the API does not answer: {error}\n{here.emulator.errors()}") from None
    return http.Accounts.model_validate_json(answer.content).accounts


def has_settled(feed: Feed | None) -> bool:
    """Whether nobody is at work on the feed, and nothing more is owed to it than a retry after a failure."""
    if feed is None or feed.lease is not None or feed.outcome in {None, Outcome.DEFERRED}:
        return False
    return feed.wanted is None or feed.outcome is Outcome.FAILED


def _at_work(feed: Feed | None) -> str:
    """What an open feed waits for, for whoever has to find out why a round did not end."""
    if feed is None:
        return "a feed that is gone"
    held = f"held until {feed.lease.until:%H:%M:%S}" if feed.lease else "free"
    owed = f"{feed.wanted.kind.value} owed at {feed.wanted.not_before:%H:%M:%S}" if feed.wanted else "nothing owed"
    last = f"{feed.outcome.value if feed.outcome else 'never run'} {feed.safe_message}".strip()
    return f"{feed.feed_id} ({feed.broker}): {held}, {owed}, last: {last}"
