"""What fills become, and what it takes to read one: its order, contract, costs and pairs."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.brokers.tradovate.provider import provider
from brokersync.domain.trades import AssetClass, Effect, Execution, ExecutionKind, Side
from tests.unit.brokers.tradovate.rows import (
    ACCOUNT,
    FIXTURES,
    LOOKED_UP,
    OTHER,
    change,
    fee,
    fill,
    order,
    page,
    pair,
    position,
    read,
    saved,
)


def only(**sections: object) -> Execution:
    said = read(**sections)
    assert said.unmapped == []
    (one,) = said.executions
    return one


def why(**sections: object) -> str:
    """Why the one row that can't be read wasn't."""
    said = read(**sections)
    assert said.executions == []
    (row,) = said.unmapped
    return f"{row.section} {row.where}: {row.reason}"


def test_a_fill_belongs_to_the_account_of_its_order() -> None:
    # given two accounts' orders, and a fill of each, which says nothing of accounts
    said = read(
        orders=[order(), order(id=102, accountId=int(OTHER))], fills=[fill(), fill(id=60100000202, orderId=102)]
    )
    # then each is its account's
    assert {one.source_trade_id: one.broker_account_id for one in said.executions} == {
        "60100000201": ACCOUNT,
        "60100000202": OTHER,
    }


def test_a_fill_is_read_to_the_digit() -> None:
    # given a fill of a product with small ticks
    products = [{"id": 77, "name": "6E", "currencyId": 1, "productType": "Futures", "valuePerPoint": 125000}]
    body = b'[{"id":60100000201,"orderId":101,"contractId":55,"timestamp":"2026-03-09T22:17:03.009Z","action":"Sell",'
    body += b'"qty":2,"price":1.08435,"active":true}]'
    # when
    one = only(products=products, fills=body, positions=[position()], fill_fees=[fee()])
    # then
    assert (one.side, one.quantity, str(one.price), one.multiplier) == (Side.SELL, 2, "1.08435", Decimal(125000))
    assert (one.symbol, one.asset_class, one.currency) == ("ESH6", AssetClass.FUTURE, "USD")
    assert one.contract == {"underlying": "6E", "expiry": "2026-03-20"}
    assert one.executed_at.utc == datetime(2026, 3, 9, 22, 17, 3, 9000, tzinfo=UTC)
    assert (one.order_id, one.position_id, one.executed_at.raw) == ("101", "401", "2026-03-09T22:17:03.009Z")
    assert one.fees == {"clearing": Decimal("0.19"), "exchange": Decimal("1.4"), "commission": Decimal("0.79")}
    assert one.fee_currency == "USD"


def test_i2_equal_fills_are_two() -> None:
    # given an order that was filled twice alike, in one millisecond
    said = read(fills=[fill(), fill(id=60100000202)])
    # then they are two
    assert [one.source_trade_id for one in said.executions] == ["60100000201", "60100000202"]


def test_i9_a_busted_fill_is_what_it_was_and_a_row_that_takes_it_back() -> None:
    # given a fill that isn't active any more
    before = only(fills=[fill()], fill_fees=[fee()])
    said = read(fills=[fill(active=False)], fill_fees=[fee()])
    # then it is as before, so that its ledger entry stays, and its bust names it
    done, bust = said.executions
    assert done == before
    assert (bust.source_trade_id, bust.kind, bust.side) == ("60100000201:bust", ExecutionKind.CANCEL, Side.SELL)
    assert (bust.cancels_trade_id, bust.quantity, bust.fees, bust.reason) == ("60100000201", done.quantity, {}, "bust")


@pytest.mark.parametrize("turned", [False, True])
def test_the_profit_of_a_pair_belongs_to_its_later_fill(turned: bool) -> None:
    # given a long that was closed, or a short: which of the two came first is told by their times alone
    times = ["2026-03-10T14:00:00.000Z", "2026-03-10T15:00:00.000Z"]
    bought, sold = reversed(times) if turned else times
    said = read(
        fills=[fill(id=201, timestamp=bought), fill(id=202, action="Sell", timestamp=sold)],
        fill_pairs=[pair()],
        cash_log=[change("TradePaired", fillPairId=301, delta=62.5)],
    )
    # then what Tradovate booked for the pair is the later one's, and no cash of its own
    profits = {one.source_trade_id: (one.realised_pnl, one.pnl_currency) for one in said.executions}
    later, earlier = ("201", "202") if turned else ("202", "201")
    assert profits == {later: (Decimal("62.5"), "USD"), earlier: (None, None)}
    assert said.cash_events == []


@pytest.mark.parametrize(
    ("closed", "effect"), [([], Effect.OPEN), ([1], Effect.CLOSE_AND_OPEN), ([1, 2], Effect.CLOSE), ([3], Effect.CLOSE)]
)
def test_pairs_tell_what_a_fill_did_to_its_position(closed: list[int], effect: Effect) -> None:
    # given a fill of three, and pairs in which it is the later one
    pairs = [pair(id=300 + number, buyFillId=90 + number, qty=qty) for number, qty in enumerate(closed)]
    said = read(fills=[fill(id=202, action="Sell", qty=3)], fill_pairs=pairs)
    # then
    assert [one.effect for one in said.executions] == [effect]


def test_without_pairs_nobody_knows_what_a_fill_did() -> None:
    assert only(fills=[fill()]).effect is None


def test_a_fill_that_closes_several_realises_the_sum() -> None:
    # given a fill with two pairs, one of them with a fill of a former session
    said = read(
        fills=[fill(id=201), fill(id=202, action="Sell", timestamp="2026-03-10T15:00:00.000Z", qty=2)],
        fill_pairs=[pair(), pair(id=302, buyFillId=99)],
        cash_log=[
            change("TradePaired", fillPairId=301, delta=62.5),
            change("TradePaired", id=502, fillPairId=302, delta=-100.25),
        ],
    )
    # then
    assert {one.source_trade_id: one.realised_pnl for one in said.executions}["202"] == Decimal("-37.75")


def test_a_pair_that_was_taken_back_realises_nothing() -> None:
    # given a pair whose closing fill was busted: its profit was booked, and booked back
    said = read(
        fills=[fill(id=201), fill(id=202, action="Sell", active=False, timestamp="2026-03-10T15:00:00.000Z")],
        fill_pairs=[pair(active=False)],
        cash_log=[
            change("TradePaired", fillPairId=301, delta=62.5),
            change("CancelledPairedTrade", id=502, fillPairId=301, delta=-62.5),
        ],
    )
    # then no fill has a profit, and no cash moved on its own
    assert {one.realised_pnl for one in said.executions} == {None}
    assert said.cash_events == []


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"orders": []}, "fills id 60100000201: orderId: order 101 isn't told, so neither is the account"),
        ({"contracts": []}, "fills id 60100000201: contractId: contract 55 isn't told"),
        ({"products": []}, "fills id 60100000201: contractId: the product of ESH6 isn't told"),
        ({"currencies": []}, "fills id 60100000201: currencyId: currency 1 isn't told"),
        ({"fills": [fill(action="Short")]}, "fills id 60100000201: action: 'Short' is neither Buy nor Sell"),
        ({"fills": [fill(qty=0)]}, "fills id 60100000201: qty: 0 is not above 0"),
        ({"fills": [fill(qty=-3)]}, "fills id 60100000201: qty: -3 is not above 0"),
        ({"fills": [fill(price="many")]}, "fills id 60100000201: price: 'many' is not a number"),
        ({"fills": [fill(price=None)]}, "fills id 60100000201: price: 'None' is a NoneType"),
        ({"fills": [fill(timestamp="yesterday")]}, "fills id 60100000201: timestamp: 'yesterday' is not an RFC 3339"),
        ({"fills": [fill(timestamp=1773153000)]}, "fills id 60100000201: timestamp: '1773153000' is not a time"),
        ({"fills": [fill(id=0)]}, "fills id 0: id: '0' is not an id"),
        ({"fills": [fill(id=1.5)]}, "fills id 1.5: id: '1.5' is not an id"),
        ({"fills": [fill(orderId=None)]}, "fills id 60100000201: orderId: 'None' is a NoneType"),
        ({"fills": ["a text"]}, "fills row 1: value: Input should be a valid dictionary"),
        (
            {"orders": [order(accountId=9999999)]},
            "fills id 60100000201: account: ...9999 is none of the accounts that the login lists",
        ),
        (
            {"fill_fees": [fee(commissionCurrencyId=2)]},
            "fills id 60100000201: its fees are in 2 currencies",
        ),
    ],
)
def test_a_fill_that_cant_be_read_is_told_with_its_problem(sections: dict[str, object], reason: str) -> None:
    assert why(**({"fills": [fill()]} | sections)).startswith(reason)


def test_one_bad_fill_spoils_no_other() -> None:
    # given a bad row among good ones
    said = read(fills=[fill(), fill(id=60100000202, qty="none"), fill(id=60100000203)])
    # then the good ones come out, and the bad one is named
    assert [one.source_trade_id for one in said.executions] == ["60100000201", "60100000203"]
    assert [row.where for row in said.unmapped] == ["id 60100000202"]


def test_an_id_that_is_there_twice_with_different_contents_is_told() -> None:
    said = read(fills=[fill(), fill(), fill(price=1)])
    assert [row.reason for row in said.unmapped] == ["its id is there twice in one answer, with different contents"]
    assert [str(one.price) for one in said.executions] == ["5278.25"]


def test_what_a_fill_didnt_cost_is_no_fee() -> None:
    # given fees that are 0, null or not told
    row = {"id": 60100000201, "clearingFee": 0, "clearingCurrencyId": 1, "nfaFee": None}
    # then there are none
    assert (only(fills=[fill()], fill_fees=[row]).fees, only(fills=[fill()]).fees) == ({}, {})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Futures", AssetClass.FUTURE),
        ("Options", AssetClass.FUTURE_OPTION),
        ("CommonStock", AssetClass.STOCK),
        ("Cryptocurrency", AssetClass.CRYPTO),
        ("Spread", AssetClass.OTHER),
        ("SomethingNew", AssetClass.OTHER),
    ],
)
def test_a_product_says_what_was_traded(kind: str, expected: AssetClass) -> None:
    products = [{"id": 77, "name": "ES", "currencyId": 1, "productType": kind, "valuePerPoint": 50}]
    assert only(fills=[fill()], products=products).asset_class is expected


def test_a_later_answer_of_the_same_list_takes_the_former_ones_place() -> None:
    # given fills that were asked for twice in one run, as an order was missing the first time
    orders = page("orders", [order()])
    pages = [page(name, rows) for name, rows in {**LOOKED_UP, "fills": [fill(orderId=102)]}.items()]
    # when
    later = [page("orders", [order(id=102)], path="/order/items"), page("fills", [fill(orderId=102)])]
    said = provider.normalise([*pages, orders, *later], ())
    # then only the last list counts
    assert [one.order_id for one in said.executions] == ["102"]
    assert said.unmapped == []


def test_i1_lists_say_together_what_a_document_of_them_says() -> None:
    # given a document of everything
    together = provider.normalise(saved("user_sync.json"), ())
    # then single lists, read together, say the same executions and cash
    lists = [*saved("accounts.json", "orders.json", "fills.json", "positions.json", "cash_log.json")]
    lists += [*saved("fill_fees.json", "fill_pairs.json")]
    apart = provider.normalise([*lists, *[page(name, rows) for name, rows in _from_document().items()]], ())
    assert apart.executions == together.executions
    assert apart.cash_events == together.cash_events
    assert together.unmapped == []


@given(
    qty=st.integers(1, 10_000),
    price=st.decimals(min_value="-500", max_value="99999", places=5),
    at=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
)
def test_numbers_and_times_come_out_as_they_went_in(qty: int, price: Decimal, at: datetime) -> None:
    # given a fill with any price and time
    told = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    text = f'[{{"id":1,"orderId":101,"contractId":55,"timestamp":"{told}","action":"Buy","qty":{qty},"price":{price},'
    one = only(fills=f'{text}"active":true}}]'.encode())
    # then nothing of it is lost
    assert (one.quantity, one.price) == (qty, price)
    assert one.executed_at.utc == at - timedelta(microseconds=at.microsecond % 1000)


def _from_document() -> dict[str, object]:
    """The lists of the saved document that are no fixture of their own."""
    document = json.loads((FIXTURES / "user_sync.json").read_text())
    names = {"currencies": "currencies", "contracts": "contracts", "contractMaturities": "maturities"}
    return {section: document[name] for name, section in {**names, "products": "products"}.items()}
