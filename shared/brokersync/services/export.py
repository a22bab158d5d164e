"""A trader takes trades or round trips along, as a CSV file for a spreadsheet or a tax program."""

import csv
import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice

from brokersync.domain.asked import ExportKind
from brokersync.domain.money import plain
from brokersync.domain.round_trips import RoundTrip
from brokersync.domain.times import BrokerTime
from brokersync.domain.trades import Execution, StoredEntry
from brokersync.ports.exports import Exports
from brokersync.ports.reading import TradeFilter, TradesReader
from brokersync.ports.world import Clock, Ids
from brokersync.services.own_accounts import OwnAccounts
from brokersync.services.read_round_trips import ReadRoundTrips

logger = logging.getLogger(__name__)

MOST_ROWS = 50_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute instead of showing it


class ExportTooLargeError(Exception):
    """The file would have more than MOST_ROWS rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file that is ready; `expires_at` (aware UTC) ends its address."""

    export_id: str
    file_name: str
    rows: int
    url: str
    expires_at: datetime


class Export:
    """Writes a file, newest state of every trade, oldest first."""

    def __init__(
        self,
        own: OwnAccounts,
        trades: TradesReader,
        round_trips: ReadRoundTrips,
        exports: Exports,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._own, self._trades, self._round_trips = own, trades, round_trips
        self._exports, self._ids, self._clock = exports, ids, clock

    def run(self, user_id: str, account_id: str, kind: ExportKind, only: TradeFilter) -> Exported:
        """Write what the filter lets through. Raises AccountNotFoundError and ExportTooLargeError."""
        account = self._own.account(user_id, account_id)
        columns: Sequence[str]
        found: Iterator[Sequence[object]]
        if kind is ExportKind.TRADES:
            columns, found = TRADE_COLUMNS, map(_trade, self._trades.oldest_first(account.account_id, only))
        else:
            columns, found = ROUND_TRIP_COLUMNS, map(_round_trip, self._round_trips.all(user_id, account_id, only))
        rows = list(islice(found, MOST_ROWS + 1))
        if len(rows) > MOST_ROWS:
            raise ExportTooLargeError
        export_id = self._ids.new("exp")
        day = self._clock.now().date().isoformat()
        file_name = f"{account.broker}-{kind.value.replace('_', '-')}-{day}.csv"
        link = self._exports.put(export_id, file_name, _csv(columns, rows))
        logger.info("exported", extra={"account_id": account_id, "export_id": export_id, "rows": len(rows)})
        return Exported(
            export_id=export_id, file_name=file_name, rows=len(rows), url=link.url, expires_at=link.expires_at
        )


TRADE_COLUMNS = (
    "source_trade_id",
    "executed_at",
    "kind",
    "symbol",
    "asset_class",
    "side",
    "quantity",
    "price",
    "multiplier",
    "currency",
    "fees",
    "fee_currency",
    "realised_pnl",
    "pnl_currency",
    "effect",
    "order_id",
    "position_id",
    "cancels_trade_id",
    "cancelled_by",
    "version",
    "version_reason",
)
ROUND_TRIP_COLUMNS = (
    "symbol",
    "asset_class",
    "direction",
    "quantity",
    "multiplier",
    "opened_at",
    "entry_price",
    "closed_at",
    "exit_price",
    "currency",
    "gross_pnl",
    "net_pnl",
    "pnl_source",
    "paired_by",
    "entry_trade_id",
    "exit_trade_id",
)


def _trade(stored: StoredEntry) -> Sequence[object]:
    """The row of a trade: its attributes of those names, whether its own or the ledger's."""
    trade = stored.entry
    if not isinstance(trade, Execution):
        raise TypeError(f"{stored.account_id}: a {type(trade).__name__} among the trades")
    fees = sum(trade.fees.values(), Decimal(0))
    own = {"fees": fees, "fee_currency": trade.fee_currency or trade.currency}
    return [
        own[name] if name in own else getattr(trade if hasattr(trade, name) else stored, name) for name in TRADE_COLUMNS
    ]


def _round_trip(trip: RoundTrip) -> Sequence[object]:
    return [getattr(trip, name) for name in ROUND_TRIP_COLUMNS]


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")  # without the mark spreadsheets take another encoding


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return plain(value)
        case BrokerTime():
            return value.utc.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
        case _:
            return str(value)
