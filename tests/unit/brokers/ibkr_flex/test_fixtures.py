"""The answers in tests/fixtures, read whole: what they hold and nothing else."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from brokersync.brokers.ibkr_flex.provider import provider
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.pages import Normalised
from brokersync.domain.trades import CashKind, Effect, ExecutionKind, Side
from tests.unit.brokers.ibkr_flex.made import page

FIXTURES = Path(__file__).parents[3] / "fixtures" / "ibkr_flex"
ACTIVITY = (FIXTURES / "activity.xml").read_bytes()


def read(name: str) -> Normalised:
    return provider.normalise([provider.read_saved(name, (FIXTURES / name).read_bytes())], [])


def test_i2_the_activity_statement_is_read_row_by_row() -> None:
    said = read("activity.xml")
    assert said.unmapped == []
    assert [(info.broker_account_id, info.currency) for info in said.accounts] == [
        ("U1234567", "USD"),
        ("U7654321", "EUR"),
    ]
    assert Counter(trade.broker_account_id for trade in said.executions) == {"U1234567": 9, "U7654321": 1}
    assert Counter(event.kind for event in said.cash_events) == dict.fromkeys(
        (CashKind.DEPOSIT, CashKind.DIVIDEND, CashKind.TAX, CashKind.FEE), 1
    )
    assert {one.broker_account_id: [position.symbol for position in one.positions] for one in said.positions} == {
        "U1234567": ["AAPL", "CLH6"],
        "U7654321": [],
    }
    assert {one.broker_account_id: (one.balance, one.equity) for one in said.balances} == {
        "U1234567": (Decimal("1234.5"), Decimal("20284.5")),
        "U7654321": (Decimal("5012.4"), Decimal("5012.4")),
    }


def test_the_traps_of_the_activity_statement() -> None:
    trades = {trade.source_trade_id: trade for trade in read("activity.xml").executions}
    # equal fills
    assert trades["9814211285"].executed_at == trades["9814211286"].executed_at
    # an expiry, a flip, a trade in the night with a rebate and a tax
    assert (trades["9814211400"].reason, trades["9814211400"].price) == ("expiry", Decimal(0))
    assert trades["9814211500"].effect is Effect.CLOSE_AND_OPEN
    assert trades["9814211300"].executed_at.utc.isoformat() == "2026-01-16T08:35:13+00:00"
    assert trades["9814211300"].fees == {"commission": Decimal("-0.15"), "tax": Decimal("1.77")}
    # a cancel and its rebook
    cancel = trades["9814215000"]
    assert (cancel.kind, cancel.side, cancel.cancels_trade_id) == (ExecutionKind.CANCEL, Side.SELL, "9814211700")
    assert trades["9814215001"].trade_ref == trades["9814211700"].trade_ref


def test_a_sync_takes_the_same_statement_whole() -> None:
    said = provider.normalise([page(ACTIVITY)], ["U1234567", "U7654321"])
    assert (len(said.executions), len(said.cash_events), said.missing_sections) == (10, 4, [])


def test_i2_the_confirmations_are_read_row_by_row() -> None:
    said = read("confirmations.xml")
    assert said.unmapped == []
    assert [(trade.side, trade.price) for trade in said.executions] == [
        (Side.BUY, Decimal("1.06")),
        (Side.BUY, Decimal("1.06")),
        (Side.SELL, Decimal("1.44")),
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("envelope_success.xml", "a reference code"),
        ("envelope_preparing.xml", "Warn 1019: Statement generation in progress."),
        ("envelope_expired.xml", "Fail 1012: Token has expired."),
    ],
)
def test_i10_an_envelope_is_named_for_what_it_is(name: str, told: str) -> None:
    with pytest.raises(BrokerChangedError) as refused:
        read(name)
    assert told in refused.value.detail
