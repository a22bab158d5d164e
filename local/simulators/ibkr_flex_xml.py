"""The IBKR simulator's documents: envelopes, and statements with the attributes that a query selects."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from local.simulators.ibkr_flex_book import Book, Cash, Fill, Holding
from local.simulators.ibkr_flex_calendar import NEW_YORK
from local.simulators.ibkr_flex_market import Contract, price_on, rate_to_base
from local.simulators.ibkr_flex_truth import text
from local.simulators.ibkr_flex_world import QuerySpec

Attributes = Mapping[str, str]

_SELECTED_WITH: Final = {"Order": "Trade", "Lot": "Trade"}  # rows of one section have the same attributes


def envelope(now: datetime, **elements: str) -> str:
    """A FlexStatementResponse, with single quotes as IBKR writes it."""
    stamp = f"{now.astimezone(NEW_YORK):%d %B, %Y %I:%M %p %Z}"
    inside = "\n".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
    return f"<FlexStatementResponse timestamp='{stamp}'>\n{inside}\n</FlexStatementResponse>\n"


class StatementWriter:
    """Writes statements of one query, as of the newest day that is built."""

    def __init__(self, query: QuerySpec, now: datetime, built: date) -> None:
        self._query = query
        self._now = now.astimezone(NEW_YORK).replace(tzinfo=None)
        self._built = built

    def statement(self, books: Iterable[Book], first: date, last: date) -> str:
        """The whole document."""
        inside = [line for book in books for line in self._of_account(book, first, last)]
        count = sum(line.startswith("<FlexStatement ") for line in inside)
        lines = [
            f'<FlexQueryResponse queryName={quoteattr("Simulated " + self._query.id)} type="{self._query.kind}">',
            f'<FlexStatements count="{count}">',
            *inside,
            "</FlexStatements>",
            "</FlexQueryResponse>",
        ]
        return "\n".join(lines) + "\n"

    def _of_account(self, book: Book, first: date, last: date) -> Iterator[str]:
        head = {
            "accountId": book.account,
            "fromDate": self._day(first),
            "toDate": self._day(last),
            "period": "",
            "whenGenerated": self._moment(self._now),
        }
        yield self._element("FlexStatement", head, closed=False)
        if self._query.kind == "AF":
            yield from self._activity(book, first, last)
        else:
            confirms = [self._confirm(book, fill) for fill in book.fills_known(first, last, self._now.date())]
            yield from self._section("TradeConfirms", confirms)
        yield "</FlexStatement>"

    def _activity(self, book: Book, first: date, last: date) -> Iterator[str]:
        if "AccountInformation" not in self._query.omit_sections:
            yield self._element(
                "AccountInformation",
                {
                    "accountId": book.account,
                    "acctAlias": book.alias,
                    "currency": book.base,
                    "accountType": "Individual",
                    "dateOpened": self._day(book.opened),
                    "dateClosed": "",
                },
            )
        fills = list(book.fills_known(first, last, self._built))
        cash = list(book.cash_known(first, last, self._built))
        days = [last - timedelta(days=1), last]
        yield from self._section("EquitySummaryInBase", [self._equity(book, day) for day in days])
        yield from self._section("CashReport", self._cash_report(book, first, last))
        yield from self._section("OpenPositions", self._positions(book, last))
        yield from self._section("Trades", self._trades(book, fills))
        yield from self._section("CashTransactions", self._cash(book, cash))
        yield from self._section("ConversionRates", [])

    def _section(self, name: str, rows: Iterable[str]) -> Iterator[str]:
        if name in self._query.omit_sections:
            return
        inside = list(rows)
        if inside:
            yield from (f"<{name}>", *inside, f"</{name}>")
        else:
            yield f"<{name} />"

    # --- rows -------------------------------------------------------------------------------------------------------

    def _equity(self, book: Book, day: date) -> str:
        standing = book.standing(day, self._built)
        told = {
            "accountId": book.account,
            "reportDate": self._day(day),
            "cash": text(standing.cash),
            "total": text(standing.net_value),
        }
        return self._element("EquitySummaryByReportDateInBase", told)

    def _cash_report(self, book: Book, first: date, last: date) -> Iterator[str]:
        ending = text(book.standing(last, self._built).cash)
        for currency, level in (("BASE_SUMMARY", "BaseCurrency"), (book.base, "Currency")):
            told = {
                "accountId": book.account,
                "currency": currency,
                "levelOfDetail": level,
                "fromDate": self._day(first),
                "toDate": self._day(last),
                "endingCash": ending if level == "BaseCurrency" else "1",
            }
            yield self._element("CashReportCurrency", told)

    def _positions(self, book: Book, last: date) -> Iterator[str]:
        for held in book.standing(last, self._built).holdings:
            yield self._element("OpenPosition", self._position(book, held, last, "SUMMARY"))
            if self._query.sums:
                yield self._element("OpenPosition", self._position(book, held, last, "LOT"))

    def _position(self, book: Book, held: Holding, last: date, level: str) -> Attributes:
        mark = price_on(held.contract, last)
        worth = held.quantity * mark * held.contract.multiplier
        lot = level == "LOT"
        return {
            "accountId": book.account,
            **self._contract(book, held.contract),
            "reportDate": self._day(last),
            "position": text(held.quantity),
            "markPrice": text(mark),
            "positionValue": text(worth),
            "openPrice": text(held.average),
            "costBasisPrice": text(held.average),
            "costBasisMoney": text(held.cost),
            "fifoPnlUnrealized": text(worth - held.cost),
            "side": "Long" if held.quantity > 0 else "Short",
            "levelOfDetail": level,
            "openDateTime": self._moment(held.since.at) if lot and held.since else "",
            "originatingTransactionID": str(held.since.transaction_id) if lot and held.since else "",
        }

    def _cash(self, book: Book, bookings: list[Cash]) -> Iterator[str]:
        for booking in bookings:
            levels = ("DETAIL", "SUMMARY") if self._query.sums else ("DETAIL",)
            for level in levels:
                told = {
                    "accountId": book.account,
                    **self._contract(book, booking.contract, booking.currency),
                    "description": booking.description,
                    "dateTime": self._moment(booking.at),
                    "settleDate": self._day(booking.at.date()),
                    "amount": text(booking.amount),
                    "type": booking.kind,
                    "tradeID": "",
                    "code": "",
                    "transactionID": str(booking.transaction_id) if level == "DETAIL" else "",
                    "reportDate": self._day(booking.booked),
                    "levelOfDetail": level,
                }
                yield self._element("CashTransaction", told)

    def _trades(self, book: Book, fills: list[Fill]) -> Iterator[str]:
        by_order = groupby(sorted(fills, key=lambda one: one.order_id), key=lambda one: one.order_id)
        for _, group in by_order:
            parts = list(group)
            if self._query.sums:
                whole = {
                    **self._trade(book, parts[0]),
                    "quantity": text(sum((one.quantity for one in parts), Decimal())),
                }
                blank = dict.fromkeys(("tradeID", "transactionID", "ibExecID", "brokerageOrderID", "extExecID"), "")
                yield self._element("Order", {**whole, **blank, "levelOfDetail": "ORDER"})
            for fill in parts:
                yield self._element("Trade", self._trade(book, fill))
                if self._query.sums and fill.effect.startswith("C"):
                    lot = {**self._trade(book, fill), "levelOfDetail": "CLOSED_LOT", "ibExecID": "", "tradeID": ""}
                    yield self._element("Lot", lot)

    def _trade(self, book: Book, fill: Fill) -> Attributes:
        side = "BUY" if (fill.quantity > 0) != bool(fill.cancels) else "SELL"
        base = rate_to_base(fill.contract.currency, book.base)
        return {
            "accountId": book.account,
            "acctAlias": book.alias,
            "model": "",
            **self._contract(book, fill.contract),
            "tradeID": str(fill.trade_id or ""),
            "reportDate": self._day(fill.booked),
            "principalAdjustFactor": "",
            "dateTime": self._moment(fill.at),
            "tradeDate": self._day(fill.at.date()),
            "settleDateTarget": self._day(fill.at.date() + timedelta(days=1)),
            "transactionType": fill.kind,
            "exchange": "--" if fill.kind == "BookTrade" else fill.contract.exchange,
            "quantity": text(fill.quantity),
            "tradePrice": text(fill.price),
            "tradeMoney": text(-fill.proceeds),
            "proceeds": text(fill.proceeds),
            "taxes": text(fill.tax),
            "ibCommission": text(fill.commission),
            "ibCommissionCurrency": fill.commission_currency,
            "netCash": text(fill.proceeds + fill.tax + fill.commission),
            "netCashInBase": text(fill.proceeds * base),
            "closePrice": text(price_on(fill.contract, fill.at.date())),
            "openCloseIndicator": fill.effect,
            "notes": ";".join(fill.codes),
            "cost": text(-fill.proceeds),
            "fifoPnlRealized": text(fill.pnl),
            "mtmPnl": "0",
            "origTradePrice": "0",
            "origTradeDate": self._day(fill.cancels.at.date()) if fill.cancels else "",
            "origTradeID": str(fill.cancels.trade_id) if fill.cancels else "",
            "origOrderID": "0",
            "origTransactionID": str(fill.cancels.transaction_id) if fill.cancels else "0",
            "clearingFirmID": "",
            "transactionID": str(fill.transaction_id),
            "buySell": f"{side} (Ca.)" if fill.cancels else side,
            "ibOrderID": str(fill.order_id),
            "ibExecID": fill.exec_id,
            "brokerageOrderID": f"0001f4e5.{fill.order_id:08x}.0001" if fill.exec_id else "",
            "exchOrderId": "N/A",
            "extExecID": f"{fill.transaction_id}E" if fill.exec_id else "N/A",
            "orderTime": self._moment(fill.at) if fill.exec_id else "",
            "openDateTime": "MULTI",
            "levelOfDetail": "EXECUTION",
            "orderType": "LMT",
            "isAPIOrder": "N",
        }

    def _confirm(self, book: Book, fill: Fill) -> str:
        codes = [*fill.effect.split(";"), *fill.codes]
        told = {
            "accountId": book.account,
            **self._contract(book, fill.contract),
            "transactionType": fill.kind,
            "tradeID": str(fill.trade_id or ""),
            "orderID": str(fill.order_id),
            "execID": fill.exec_id,
            "origTradeID": str(fill.cancels.trade_id) if fill.cancels else "",
            "dateTime": self._moment(fill.at),
            "tradeDate": self._day(fill.at.date()),
            "settleDate": self._day(fill.at.date() + timedelta(days=1)),
            "buySell": "BUY" if fill.quantity > 0 else "SELL",
            "quantity": text(fill.quantity),
            "price": text(fill.price),
            "commission": text(fill.commission),
            "commissionCurrency": fill.commission_currency,
            "tax": text(fill.tax),
            "code": ";".join(code for code in codes if code),
            "levelOfDetail": "EXECUTION",
        }
        return self._element("TradeConfirm", {name: value for name, value in told.items() if name != "fxRateToBase"})

    # --- values -----------------------------------------------------------------------------------------------------

    def _contract(self, book: Book, contract: Contract | None, currency: str = "") -> Attributes:
        if contract is None:
            empty = ("assetCategory", "symbol", "conid", "isin", "underlyingSymbol", "multiplier", "strike", "expiry")
            return {"currency": currency, "fxRateToBase": "1", **dict.fromkeys((*empty, "putCall"), "")}
        return {
            "currency": contract.currency,
            "fxRateToBase": text(rate_to_base(contract.currency, book.base)),
            "assetCategory": contract.category,
            "symbol": contract.symbol,
            "description": contract.description,
            "conid": str(contract.conid),
            "isin": contract.isin,
            "underlyingSymbol": contract.underlying,
            "multiplier": str(contract.multiplier),
            "strike": text(contract.strike) if contract.strike is not None else "",
            "expiry": self._day(contract.expiry) if contract.expiry else "",
            "putCall": contract.put_call,
        }

    def _day(self, day: date) -> str:
        return day.strftime(self._query.formats[0])

    def _moment(self, at: datetime) -> str:
        day_format, separator, time_format = self._query.formats
        return at.strftime(day_format) + separator + at.strftime(time_format)

    def _element(self, name: str, attributes: Attributes, *, closed: bool = True) -> str:
        left_out = self._query.omit.get(_SELECTED_WITH.get(name, name), frozenset())
        inside = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items() if key not in left_out)
        return f"<{name} {inside} />" if closed else f"<{name} {inside}>"
