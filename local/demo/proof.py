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
from local.demo.cast import Fate
from local.demo.round import Connected
from local.simulators.truth import AccountTruth, TrueEntry, differences

PAGE = 1_000
MOST_SHOWN = 5  # differences of one account
COMPLETE = frozenset({Fate.HEALTHY, Fate.HEALS_ON_RETRY})
"""Fates after which everything that the broker has is stored."""

EXPECTED: Mapping[Fate, tuple[frozenset[AccountStatus], ErrorCode | None]] = {
    Fate.HEALTHY: (frozenset({AccountStatus.SYNCED}), None),
    Fate.HEALS_ON_RETRY: (frozenset({AccountStatus.SYNCED}), None),
    Fate.REFUSED: (frozenset({AccountStatus.FAILED}), ErrorCode.CREDENTIALS_REJECTED),
    Fate.SET_UP_BADLY: (frozenset({AccountStatus.FAILED}), ErrorCode.SETUP_INCOMPLETE),
    Fate.FAILS_HALF_WAY: (
        frozenset({AccountStatus.PENDING, AccountStatus.PARTIAL, AccountStatus.FAILED}),
        ErrorCode.BROKER_UNAVAILABLE,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """An account of a demo connection and all that is stored of it.

    A connection whose accounts were never found counts as one account without a number, under its feed's id.
    """

    connected: Connected
    account_id: str
    number: str
    trades: Sequence[LedgerEntry] = ()
    cash_events: Sequence[LedgerEntry] = ()


def stored_accounts(stack: Stack, connected: Sequence[Connected]) -> Iterator[StoredAccount]:
    """Every account that the connections have brought, read from the tables."""
    ledger = DynamoLedger(stack.session)
    for one in connected:
        feed = stack.feeds.get(one.feed_id)
        if feed is None or not feed.accounts:
            yield StoredAccount(connected=one, account_id=one.feed_id, number="")
            continue
        for number, account_id in feed.accounts.items():
            yield StoredAccount(
                connected=one,
                account_id=account_id,
                number=number,
                trades=[stored.entry for stored in _trades(ledger, account_id)],
                cash_events=[stored.entry for stored in ledger.cash_events(account_id)],
            )


def problems(
    stack: Stack,
    connected: Sequence[Connected],
    stored: Sequence[StoredAccount],
    truth: Mapping[str, AccountTruth],
    told: Mapping[str, http.Account],
) -> Iterator[str]:
    """What is not as it has to be, in words. `truth` is by the broker's number, `told` (the API) by our account id."""
    for one in connected:
        own = [account for account in stored if account.connected == one]
        for problem in _problems_of(stack, one, own, truth, told):
            yield f"{one.demo.trader}'s {one.demo.broker}, {one.demo.fate.value}: {problem}"


def _problems_of(
    stack: Stack,
    one: Connected,
    own: Sequence[StoredAccount],
    truth: Mapping[str, AccountTruth],
    told: Mapping[str, http.Account],
) -> Iterator[str]:
    fate = one.demo.fate
    found = {account.number for account in own} - {""}
    if found - set(one.demo.account_numbers):
        yield f"accounts {found - set(one.demo.account_numbers)} are not its own"
    if fate in COMPLETE and found != set(one.demo.account_numbers):
        yield f"only accounts {found} of {set(one.demo.account_numbers)} were found"
    for account in own:
        yield from _wrong_status(fate, told.get(account.account_id))
        if account.number in truth:
            yield from _wrong_entries(fate, account, truth[account.number].by_id())
    if fate is Fate.HEALS_ON_RETRY and not _was_retried(stack, one.feed_id):
        yield "it was never retried"


def _wrong_status(fate: Fate, told: http.Account | None) -> Iterator[str]:
    if told is None:
        yield "the API does not list it"
        return
    statuses, code = EXPECTED[fate]
    said = told.sync.error.code if told.sync.error else None
    if told.sync.status not in statuses or said != code:
        yield f"its trader is told {told.sync.badge!r} ({said or 'no error'})"


def _wrong_entries(fate: Fate, account: StoredAccount, true: Mapping[str, TrueEntry]) -> Iterator[str]:
    entries = [*account.trades, *account.cash_events]
    wrong = list(differences(true, entries, complete=fate in COMPLETE))
    yield from (f"{account.number}: {difference}" for difference in wrong[:MOST_SHOWN])
    if len(wrong) > MOST_SHOWN:
        yield f"{account.number}: and {len(wrong) - MOST_SHOWN} more differences"
    if fate is Fate.FAILS_HALF_WAY and not 0 < len(entries) < len(true):
        yield f"{account.number}: {len(entries)} of {len(true)} entries are stored, which is not half way"
    if fate in {Fate.REFUSED, Fate.SET_UP_BADLY} and entries:
        yield f"{account.number}: something was stored though nothing could be read"


def _was_retried(stack: Stack, feed_id: str) -> bool:
    return any(run.stats.retries for run in DynamoRuns(stack.session).newest(feed_id, limit=10))


def _trades(ledger: DynamoLedger, account_id: str) -> Iterator[StoredEntry]:
    before = ""
    while page := ledger.newest(account_id, limit=PAGE, before=before):
        yield from page
        before = time_key(page[-1].entry)
