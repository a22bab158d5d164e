"""Flex statements made for a test, and what the provider says of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

from brokersync.brokers.ibkr_flex.provider import provider
from brokersync.domain.pages import Normalised, RawPage
from brokersync.domain.trades import Execution

ACCOUNT = "U1234567"
Row = Mapping[str, str | None]

STOCK: Row = {
    "accountId": ACCOUNT,
    "currency": "USD",
    "fxRateToBase": "1",
    "assetCategory": "STK",
    "symbol": "AAPL",
    "conid": "265598",
    "isin": "US0378331005",
    "underlyingSymbol": "",
    "multiplier": "1",
    "strike": "",
    "expiry": "",
    "putCall": "",
    "tradeID": "2268125234",
    "transactionID": "9814211285",
    "ibOrderID": "1115450435",
    "ibExecID": "0000fed1.5be58c36.01.01",
    "dateTime": "20260115;093105",
    "tradeDate": "20260115",
    "transactionType": "ExchTrade",
    "buySell": "BUY",
    "quantity": "100",
    "tradePrice": "187.23",
    "taxes": "0",
    "ibCommission": "-1.0104",
    "ibCommissionCurrency": "USD",
    "fifoPnlRealized": "0",
    "openCloseIndicator": "O",
    "notes": "",
    "origTradeID": "",
    "origTransactionID": "0",
    "levelOfDetail": "EXECUTION",
}
OPTION: Row = {
    **STOCK,
    "assetCategory": "OPT",
    "symbol": "AAPL  260116C00190000",
    "conid": "600000001",
    "isin": "",
    "underlyingSymbol": "AAPL",
    "multiplier": "100",
    "strike": "190",
    "expiry": "20260116",
    "putCall": "C",
    "quantity": "2",
    "tradePrice": "1.06",
}
CONFIRM: Row = {
    "accountId": ACCOUNT,
    "currency": "USD",
    "assetCategory": "OPT",
    "symbol": "AAPL  260116C00190000",
    "conid": "600000001",
    "underlyingSymbol": "AAPL",
    "multiplier": "100",
    "strike": "190",
    "expiry": "20260116",
    "putCall": "C",
    "transactionType": "ExchTrade",
    "tradeID": "1866047710",
    "orderID": "754464364",
    "execID": "0000e242.6ab9e843.01.01",
    "dateTime": "20260115;093105",
    "buySell": "BUY",
    "quantity": "1",
    "price": "1.06",
    "commission": "-0.8453",
    "commissionCurrency": "USD",
    "tax": "0",
    "code": "O;P",
    "levelOfDetail": "EXECUTION",
}
CASH: Row = {
    "accountId": ACCOUNT,
    "currency": "USD",
    "symbol": "",
    "description": "ELECTRONIC FUND TRANSFER",
    "dateTime": "20260102;202000",
    "settleDate": "20260102",
    "amount": "10000",
    "type": "Deposits/Withdrawals",
    "transactionID": "300001",
    "reportDate": "20260102",
    "levelOfDetail": "DETAIL",
}
POSITION: Row = {
    "accountId": ACCOUNT,
    "currency": "USD",
    "symbol": "AAPL",
    "conid": "265598",
    "reportDate": "20260130",
    "position": "100",
    "openPrice": "187.23",
    "costBasisPrice": "187.24",
    "markPrice": "190.5",
    "fifoPnlUnrealized": "326",
    "levelOfDetail": "SUMMARY",
    "openDateTime": "",
    "originatingTransactionID": "",
}
INFORMATION: Row = {"accountId": ACCOUNT, "acctAlias": "Growth", "currency": "USD", "dateOpened": "20200115"}
CASH_REPORT: Row = {"accountId": ACCOUNT, "currency": "BASE_SUMMARY", "toDate": "20260131", "endingCash": "1,234.5"}
EQUITY: Row = {"accountId": ACCOUNT, "reportDate": "20260130", "total": "20284.5"}


def element(name: str, row: Row) -> str:
    """An empty element; attributes that are None are left out."""
    inside = "".join(f" {key}={quoteattr(value)}" for key, value in row.items() if value is not None)
    return f"<{name}{inside} />"


def section(name: str, row_name: str, rows: Sequence[Row]) -> str:
    """A section with its rows."""
    return f"<{name}>{''.join(element(row_name, row) for row in rows)}</{name}>"


def trades(*rows: Row) -> str:
    """A Trades section."""
    return section("Trades", "Trade", rows)


def confirms(*rows: Row) -> str:
    """A TradeConfirms section."""
    return section("TradeConfirms", "TradeConfirm", rows)


def cash(*rows: Row) -> str:
    """A CashTransactions section."""
    return section("CashTransactions", "CashTransaction", rows)


def positions(*rows: Row) -> str:
    """An OpenPositions section."""
    return section("OpenPositions", "OpenPosition", rows)


def everything(*, skip: str = "", **sections: str) -> str:
    """All sections that a sync needs, some of them given, one of them perhaps skipped."""
    usual = {
        "information": element("AccountInformation", INFORMATION),
        "cash_report": section("CashReport", "CashReportCurrency", [CASH_REPORT]),
        "equity": section("EquitySummaryInBase", "EquitySummaryByReportDateInBase", [EQUITY]),
        "positions": positions(POSITION),
        "trades": trades(STOCK),
        "cash": cash(CASH),
    }
    return "".join(text for name, text in (usual | sections).items() if name != skip)


def account(inside: str, **head: str | None) -> str:
    """A FlexStatement."""
    usual: Row = {
        "accountId": ACCOUNT,
        "fromDate": "20260101",
        "toDate": "20260131",
        "period": "LastMonth",
        "whenGenerated": "20260201;120000",
    }
    return element("FlexStatement", {**usual, **head})[:-3] + f">{inside}</FlexStatement>"


def document(*statements: str, kind: str = "AF", count: int | None = None) -> bytes:
    """A whole statement document."""
    number = len(statements) if count is None else count
    inside = f'<FlexStatements count="{number}">{"".join(statements)}</FlexStatements>'
    return f'<FlexQueryResponse queryName="made" type="{kind}">{inside}</FlexQueryResponse>'.encode()


def of_one_account(inside: str, **head: str | None) -> bytes:
    """A document with the statement of one account."""
    return document(account(inside, **head))


def saved(*bodies: bytes) -> Normalised:
    """What saved files say together."""
    pages = [provider.read_saved(f"file {number}", body) for number, body in enumerate(bodies)]
    return provider.normalise(pages, [])


def page(body: bytes, section_name: str = "statement") -> RawPage:
    """A page as a sync fetches it."""
    return RawPage(
        section=section_name,
        method="GET",
        path="GetStatement",
        params={"q": "1", "v": "3"},
        status=200,
        received_at=datetime(2026, 2, 1, tzinfo=UTC),
        body=body,
    )


def synced(body: bytes, *known: str, section_name: str = "statement") -> Normalised:
    """What a fetched page says to a feed that knows these accounts."""
    return provider.normalise([page(body, section_name)], known)


def only_trade(*rows: Row) -> Execution:
    """The one execution of a saved statement with these trades."""
    said = saved(of_one_account(trades(*rows)))
    assert said.unmapped == []
    (trade,) = said.executions
    return trade
