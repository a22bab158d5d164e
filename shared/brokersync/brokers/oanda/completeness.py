"""The proof that no transaction is missing: an account's transaction ids are consecutive. Pure."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

from brokersync.brokers.exact_json import validated
from brokersync.brokers.oanda.answers import Kind, expect
from brokersync.brokers.oanda.client import PAGE_SIZE
from brokersync.brokers.oanda.models import PagesAnswer, SummaryAnswer, TransactionsAnswer
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.pages import RawPage
from brokersync.domain.times import from_rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a page of transactions proves: everything through `last_id`, whose time is `last_at` (None: not told).

    `newest_id` is the account's newest transaction when the page was made.
    """

    last_id: int
    last_at: datetime | None
    newest_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRanges:
    """Where the transactions of a first load are: ranges of ids, both ends included, without a gap between them.

    `start` is the time since which they were looked for, as OANDA says it.
    """

    ranges: tuple[tuple[int, int], ...]
    newest_id: int
    start: datetime | None


def read_ranges(page: RawPage, *, whole: bool) -> IdRanges:
    """The id ranges of a list of pages; of its URLs only the ids are used. Raises BrokerChangedError.

    With `whole`, everything since the account exists was asked for: then the first id has to be 1.
    """
    listed = validated(PagesAnswer, expect(page, Kind.TRANSACTION_PAGES).document, "transaction pages")
    ranges = tuple(_range_of(url, number) for number, url in enumerate(listed.pages, start=1))
    begins = ranges[0][0] if ranges else listed.last_transaction_id + 1
    if whole and begins != 1:
        raise BrokerChangedError(f"transaction pages: they start at {begins}, though the whole history was asked for.")
    for number, ((_, before), (first, _)) in enumerate(pairwise(ranges), start=2):
        if first != before + 1:
            raise BrokerChangedError(f"transaction pages: page {number} starts at {first}, expected {before + 1}.")
    total = sum(last - first + 1 for first, last in ranges)
    if total != listed.count:
        raise BrokerChangedError(f"transaction pages: they hold {total} transactions, but the count is {listed.count}.")
    return IdRanges(ranges=ranges, newest_id=listed.last_transaction_id, start=_time(listed.start))


def read_served(page: RawPage, first: int, last: int | None = None) -> Served:
    """Prove that a page begins with id `first`, has no gap, and (if given) ends with `last`.

    Raises BrokerChangedError naming the first id that is missing, and where.
    """
    served = validated(TransactionsAnswer, expect(page, Kind.TRANSACTIONS).document, "transactions")
    rows = served.transactions
    for row, expected in zip(rows, range(first, first + len(rows)), strict=True):
        if row.id != expected:
            raise BrokerChangedError(
                f"transactions: id {expected} is missing; {row.id} stands in its place, in row {expected - first + 1} "
                f"of the answer from {first}."
            )
    end = rows[-1].id if rows else first - 1
    if not rows or (last is not None and end != last):
        raise BrokerChangedError(
            f"transactions: the answer from {first} ends at {end}, though transactions go on to "
            f"{served.last_transaction_id if last is None else last}."
        )
    return Served(last_id=end, last_at=_time(rows[-1].time), newest_id=served.last_transaction_id)


def read_summary(page: RawPage) -> SummaryAnswer:
    """The account's summary with its newest transaction id. Raises BrokerChangedError."""
    return validated(SummaryAnswer, expect(page, Kind.ACCOUNT).document, "summary")


def _range_of(url: str, number: int) -> tuple[int, int]:
    query = parse_qs(urlsplit(url).query)
    try:
        (first,), (last,) = query["from"], query["to"]
        ids = int(first), int(last)
    except (KeyError, ValueError):
        raise BrokerChangedError(f"transaction pages: page {number} has no id range in its address.") from None
    if not 1 <= ids[0] <= ids[1] < ids[0] + PAGE_SIZE:
        raise BrokerChangedError(f"transaction pages: page {number} goes from {ids[0]} to {ids[1]}.")
    return ids


def _time(value: object) -> datetime | None:
    try:
        return from_rfc3339(str(value)).utc
    except ValueError:
        return None
