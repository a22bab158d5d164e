"""Parameters of requests to the OANDA simulator, and the lists that they select."""

import time
from bisect import bisect_left, bisect_right
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request

from local.simulators.oanda_book import Book, Trade, Transaction
from local.simulators.oanda_time import parse, rfc3339

_PAGE_SIZE: Final = 100
_MAX_PAGE_SIZE: Final = 1000
_TRADES: Final = 50
_MAX_TRADES: Final = 500
_STATES: Final = ("OPEN", "CLOSED", "CLOSE_WHEN_TRADEABLE", "ALL")


class BadRequestError(Exception):
    """What OANDA refuses: its message and status."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Query:
    """The parameters of a request. Reading a wrong one raises BadRequestError naming it."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def datetime_format(self) -> str:
        """How the client wants its times: RFC3339 if it says so, else UNIX."""
        name = "Accept-Datetime-Format"
        form = self._request.headers.get(name, "UNIX")
        if form not in ("RFC3339", "UNIX"):
            raise BadRequestError(f"Invalid value specified for '{name}'")
        return form

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self._request.path_params[name])

    def whole_number(self, name: str, default: int | None = None, *, most: int | None = None) -> int:
        """A number from 0 on; required unless there is a default."""
        value = self._request.query_params.get(name)
        if value is None and default is not None:
            return default
        if value is None:
            raise BadRequestError(f"Required parameter '{name}' is missing")
        if not value.isdecimal():
            raise BadRequestError(f"Invalid value specified for '{name}'")
        if most is not None and not 1 <= int(value) <= most:
            raise BadRequestError(f"Maximum value for field '{name}' exceeded: {most}")
        return int(value)

    def moment(self, name: str, default: int) -> int:
        """A time in nanoseconds."""
        value = self._request.query_params.get(name)
        if value is None:
            return default
        try:
            return parse(value)
        except ValueError:
            raise BadRequestError(f"Invalid value specified for '{name}'") from None

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of several words, by default the first."""
        value = self._request.query_params.get(name, allowed[0])
        if value not in allowed:
            raise BadRequestError(f"Invalid value specified for '{name}'")
        return value

    def words(self, name: str) -> frozenset[str]:
        """Words with commas between; empty: no choice was made."""
        return frozenset(filter(None, self._request.query_params.get(name, "").split(",")))

    def url(self, path: str = "", **changed: str) -> str:
        """The request's own address, with another end of the path or other parameters."""
        here = self._request.url
        params = changed if path else dict(self._request.query_params) | changed
        return f"{here.scheme}://{here.netloc}{here.path}{path}?{urlencode(params)}"


def transaction_pages(book: Book, query: Query) -> dict[str, object]:
    """The body of GET /transactions: ranges of ids for the transactions of a time span (both ends included)."""
    start = query.moment("from", book.created)
    end = query.moment("to", max([time.time_ns(), *book.times[-1:]]))
    size = query.whole_number("pageSize", _PAGE_SIZE, most=_MAX_PAGE_SIZE)
    kinds = query.words("type")
    if start > end:
        raise BadRequestError("Invalid value specified for 'from': it is after 'to'")
    first, last = bisect_left(book.times, start) + 1, bisect_right(book.times, end)
    only = {"type": ",".join(sorted(kinds))} if kinds else {}
    ranges = [(low, min(low + size - 1, last)) for low in range(first, last + 1, size)]
    return {
        "from": rfc3339(start),
        "to": rfc3339(end),
        "pageSize": size,
        **only,
        "count": last - first + 1,
        "pages": [query.url("/idrange", **{"from": str(low), "to": str(high)}, **only) for low, high in ranges],
    }


def transactions_between(book: Book, query: Query, first: int, last: int) -> list[Transaction]:
    """Transactions by id, both ends included, perhaps of some types only."""
    kinds = query.words("type")
    return [one for one in book.transactions[first - 1 : last] if not kinds or one["type"] in kinds]


def newest_trades(book: Book, query: Query) -> tuple[list[Trade], int]:
    """Trades, newest first, and the id from which older ones follow (0: none). `beforeID` is included."""
    state = query.one_of("state", _STATES)
    count = query.whole_number("count", _TRADES, most=_MAX_TRADES)
    before = query.whole_number("beforeID", book.last_id)
    ids, instruments = query.words("ids"), query.words("instrument")
    open_ones = list(book.open_trades.values()) if state in ("OPEN", "ALL") else []
    closed_ones = book.closed_trades if state in ("CLOSED", "ALL") else []
    found = sorted(
        (
            trade
            for trade in (*open_ones, *closed_ones)
            if int(trade.id) <= before
            and (not ids or trade.id in ids)
            and (not instruments or trade.instrument in instruments)
        ),
        key=lambda trade: -int(trade.id),
    )
    return found[:count], int(found[count].id) if len(found) > count else 0
