"""I2: whatever a statement holds comes out once, exactly, and nothing else."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from brokersync.domain.trades import Side
from tests.unit.brokers.ibkr_flex.made import CASH, STOCK, account, cash, document, saved, trades

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=7, min_value=-(10**9), max_value=10**9)
prices = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=0, max_value=10**7)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in {"--", "N/A", "MULTI"}
)
fills = st.lists(
    st.fixed_dictionaries(
        {
            "transactionID": st.integers(1, 10**12).map(str),
            "symbol": names,
            "quantity": amounts.filter(bool),
            "tradePrice": prices,
            "ibCommission": amounts,
            "dateTime": st.sampled_from(["20260115;093105", "2026-01-15, 09:31:05", "20260115"]),
            "levelOfDetail": st.sampled_from(["EXECUTION", "EXECUTION", "ORDER", "CLOSED_LOT"]),
        }
    ),
    max_size=12,
    unique_by=lambda row: row["transactionID"],
)


@settings(deadline=None)
@given(st.lists(fills, min_size=1, max_size=3), st.booleans())
def test_i2_every_execution_comes_out_once_and_exactly(by_account: list[list[dict]], thousands: bool) -> None:
    # given some accounts with fills, among rows of other levels, whose contents may be equal
    def row(number: int, fill: dict) -> dict[str, str]:
        quantity = format(fill["quantity"], ",f" if thousands else "f")
        texts = {name: format(value, "f") if isinstance(value, Decimal) else value for name, value in fill.items()}
        return {**STOCK, "accountId": f"U{number}", "buySell": "", **texts, "quantity": quantity}

    body = document(
        *(
            account(trades(*(row(number, fill) for fill in account_fills)), accountId=f"U{number}")
            for number, account_fills in enumerate(by_account)
        )
    )
    # when
    said = saved(body)
    # then
    expected = {
        (f"U{number}", fill["transactionID"]): fill
        for number, account_fills in enumerate(by_account)
        for fill in account_fills
        if fill["levelOfDetail"] == "EXECUTION"
    }
    told = {(trade.broker_account_id, trade.source_trade_id): trade for trade in said.executions}
    assert said.unmapped == []
    assert len(said.executions) == len(told)
    assert told.keys() == expected.keys()
    for key, trade in told.items():
        signed = trade.quantity if trade.side is Side.BUY else -trade.quantity
        assert (trade.symbol, signed, trade.price) == (
            expected[key]["symbol"],
            expected[key]["quantity"],
            expected[key]["tradePrice"],
        )
        assert trade.fees["commission"] == -expected[key]["ibCommission"]


@settings(deadline=None)
@given(st.lists(st.tuples(amounts, st.sampled_from(["DETAIL", "SUMMARY"]), st.booleans()), max_size=15))
def test_i2_every_booking_comes_out_once_with_or_without_an_id(bookings: list[tuple[Decimal, str, bool]]) -> None:
    # given bookings and sums, many of them equal, of which some have no id
    rows = [
        {**CASH, "amount": format(amount, "f"), "levelOfDetail": level, "transactionID": str(number) if has_id else ""}
        for number, (amount, level, has_id) in enumerate(bookings)
    ]
    # when
    said = saved(document(account(cash(*rows))))
    # then
    expected = sorted(amount for amount, level, _ in bookings if level == "DETAIL")
    assert sorted(event.amount for event in said.cash_events) == expected
    assert len({event.source_id for event in said.cash_events}) == len(expected)
