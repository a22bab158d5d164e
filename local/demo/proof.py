"""Whether a round came out as it had to: what is stored for each account, and what its trader is told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.runs import DynamoRuns
from brokersync.contracts import http
from brokersync.domain.errors import ErrorCode
from brokersync.domain.status import AccountStatus
from brokersync.domain.trades import LedgerEntry, StoredEntry, time_key
from local.commands.stack import Stack
from local.demo.brokers import Fate
from local.demo.round import Connected
from local.demo.truth import AccountTruth, differences

PAGE = 1_000
MOST_SHOWN = 5  # differences of one account

EXPECTED: Mapping[Fate, tuple[frozenset[AccountStatus], ErrorCode | None]] = {
    Fate.HEALTHY: (frozenset({AccountStatus.SYNCED}), None),
    Fate.HEALS_ON_RETRY: (frozenset({AccountStatus.SYNCED}), None),
    Fate.REFUSED: (frozenset({AccountStatus.FAILED}), ErrorCode.CREDENTIALS_REJECTED),
    Fate.FAILS_HALF_WAY: (
        frozenset({AccountStatus.PENDING, AccountStatus.PARTIAL, AccountStatus.FAILED}),
        ErrorCode.BROKER_UNAVAILABLE,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """An account of a demo connection: its number at the broker, and all that is stored of it."""

    connected: Connected
    account_id: str
    number: str
    trades: Sequence[LedgerEntry]
    cash_events: Sequence[LedgerEntry]


def stored_accounts(stack: Stack, connected: Sequence[Connected]) -> Iterator[StoredAccount]:
    """Every account that the connections have brought, read from the tables."""
    ledger = DynamoLedger(stack.session)
    for one in connected:
        feed = stack.feeds.get(one.feed_id)
        for number, account_id in (feed.accounts if feed else {}).items():
            yield StoredAccount(
                connected=one,
                account_id=account_id,
                number=number,
                trades=[stored.entry for stored in _trades(ledger, account_id)],
                cash_events=[stored.entry for stored in ledger.cash_events(account_id)],
            )


def problems(
    stack: Stack, stored: Sequence[StoredAccount], truth: Mapping[str, AccountTruth], told: Mapping[str, http.Account]
) -> Iterator[str]:
    """What is not as it has to be, in words. `told` is what the API says, by our account id."""
    for account in stored:
        for problem in _problems_of(stack, account, truth[account.number], told.get(account.account_id)):
            yield f"{account.connected.demo.broker} {account.number} ({account.connected.demo.fate}): {problem}"
    reached = {account.connected.feed_id for account in stored}
    expected = {number for one in stored for number in truth if one.number == number}
    if not reached or not expected:
        yield "no account was reached"


def _problems_of(stack: Stack, account: StoredAccount, truth: AccountTruth, told: http.Account | None) -> Iterator[str]:
    fate = account.connected.demo.fate
    true, entries = truth.by_id(), [*account.trades, *account.cash_events]
    complete = fate in {Fate.HEALTHY, Fate.HEALS_ON_RETRY}
    wrong = list(differences(true, entries, complete=complete))
    yield from wrong[:MOST_SHOWN]
    if len(wrong) > MOST_SHOWN:
        yield f"and {len(wrong) - MOST_SHOWN} more differences"
    statuses, code = EXPECTED[fate]
    if told is None:
        yield "the API does not list it"
    elif told.sync.status not in statuses or (told.sync.error.code if told.sync.error else None) != code:
        yield f"its trader is told {told.sync.badge!r} ({told.sync.error.code if told.sync.error else 'no error'})"
    if fate is Fate.REFUSED and entries:
        yield "something was stored though the broker lets nobody in"
    if fate is Fate.FAILS_HALF_WAY and not 0 < len(entries) < len(true):
        yield f"{len(entries)} of {len(true)} entries are stored, which is not half way"
    if fate is Fate.HEALS_ON_RETRY and not _was_retried(stack, account.connected.feed_id):
        yield "it was never retried"


def _was_retried(stack: Stack, feed_id: str) -> bool:
    return any(run.stats.retries for run in DynamoRuns(stack.session).newest(feed_id, limit=10))


def _trades(ledger: DynamoLedger, account_id: str) -> Iterator[StoredEntry]:
    before = ""
    while page := ledger.newest(account_id, limit=PAGE, before=before):
        yield from page
        before = time_key(page[-1].entry)
