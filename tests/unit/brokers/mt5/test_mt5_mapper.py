"""Pages to figures and positions; whose data may come out; what is missing; saved answers."""

from decimal import Decimal

import pytest

from brokersync.brokers.mt5.provider import provider
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, UserActionNeededError
from brokersync.domain.trades import Side
from tests.unit.brokers.mt5.rows import FIXTURES, LOGIN, deal, info, page, position, read


def test_the_figures_are_those_of_the_newest_info() -> None:
    # given two infos about one account
    pages = [page(info(balance=1.0), "info"), page({"success": True, "data": info()}, "info")]
    # when
    said = provider.normalise(pages, [LOGIN])
    # then
    (balance,), (account,) = said.balances, said.accounts
    assert (balance.balance, balance.equity, balance.free_margin) == (
        Decimal("10000.0"),
        Decimal("10002.4"),
        Decimal("9980.69"),
    )
    assert (balance.margin, balance.margin_level) == (Decimal("21.71"), Decimal("46072.77"))
    assert (account.broker_account_id, account.currency, account.name) == (LOGIN, "USD", "Example Trader")


def test_without_margin_there_is_no_margin_level() -> None:
    (balance,) = provider.normalise([page(info(margin=0.0, margin_level=0.0), "info")], [LOGIN]).balances
    assert balance.margin_level is None


@pytest.mark.parametrize("envelope", ["wrapped", "bare"])
def test_positions_are_read_in_every_envelope(envelope: str) -> None:
    # given
    rows = [position(), position(ticket=1_350_000_099, identifier=1_350_000_020, type=1, sl=0.0, tp=1.09)]
    body = rows if envelope == "bare" else {"success": True, "data": {"positions": rows, "count": 2}}
    # when
    (section,) = provider.normalise([page(body, "positions")], [LOGIN]).positions
    # then a position goes by the number that its deals have
    bought, sold = section.positions
    assert (bought.side, bought.volume, bought.stop_loss, bought.take_profit) == (
        Side.BUY,
        Decimal("0.1"),
        Decimal("1.08"),
        None,
    )
    assert (sold.side, sold.position_id, sold.stop_loss, sold.take_profit) == (
        Side.SELL,
        "1350000020",
        None,
        Decimal("1.09"),
    )
    assert (bought.profit, bought.swap, bought.currency) == (Decimal("2.4"), Decimal("-0.65"), "USD")
    assert bought.opened_at is not None
    assert bought.opened_at.utc.isoformat() == "2024-03-08T08:00:00.250000+00:00"


def test_an_empty_list_of_positions_says_that_the_account_is_flat() -> None:
    (section,) = provider.normalise([page([], "positions")], [LOGIN]).positions
    assert section.positions == ()


def test_i5_a_list_of_positions_with_a_gap_is_none() -> None:
    # given one position that can't be read
    said = provider.normalise([page([position(), position(type=9)], "positions")], [LOGIN])
    # then
    assert (said.positions, said.missing_sections) == ([], ["positions"])
    assert [row.where for row in said.unmapped] == ["position 1350000010"]


def test_i7_another_login_is_refused_wherever_it_is_told() -> None:
    strange = info(login=60112233)
    deals = {"success": True, "login": 60112233, "data": {"deals": [deal()]}}
    for one in (page(strange, "info"), page(deals), page([deal()], login="60112233")):
        with pytest.raises(UserActionNeededError) as refused:
            provider.normalise([one], [LOGIN])
        assert refused.value.code is ErrorCode.WRONG_ACCOUNT


def test_i5_a_balance_that_the_deals_do_not_explain_means_that_history_is_missing() -> None:
    # given an info that carries what the deals add up to
    told, due = info(balance=100.0), {"deals_balance": "99.98"}
    # when / then: a unit of the last digit may be rounding
    assert provider.normalise([page(told, "info", **due)], [LOGIN]).missing_sections == ["history"]
    assert provider.normalise([page(told, "info", deals_balance="99.99")], [LOGIN]).missing_sections == []
    # and a trade between the two infos is no contradiction
    before = page(info(balance=99.98), "info")
    assert provider.normalise([before, page(told, "info", **due)], [LOGIN]).missing_sections == []


def test_an_error_in_place_of_positions_is_missing_positions_and_elsewhere_an_error() -> None:
    body = {"success": False, "error": "'TradePosition' object has no attribute 'commission'"}
    assert provider.normalise([page(body, "positions")], [LOGIN]).missing_sections == ["positions"]
    with pytest.raises(BrokerChangedError):
        provider.normalise([page(body)], [LOGIN])
    with pytest.raises(RetryLaterError):
        provider.normalise([page({"success": True, "data": {"deals": None}})], [LOGIN])


def test_amounts_of_many_digits_add_up_exactly() -> None:
    # given floats as they come from a terminal
    said = read(
        deal(ticket=1, entry=1, profit=0.1, commission=0.0), deal(ticket=2, entry=1, profit=0.2, commission=0.0)
    )
    # then
    assert sum(one.realised_pnl or 0 for one in said.executions) == Decimal("0.3")


# --- saved answers --------------------------------------------------------------------------------------------------


def test_saved_answers_together_are_one_account() -> None:
    # given files that don't say whose they are, beside one that does
    names = ("info_wrapped.json", "positions_wrapped.json", "history_wrapped.json")
    # when
    said = provider.normalise([provider.read_saved(name, (FIXTURES / name).read_bytes()) for name in names], [])
    # then
    assert {one.broker_account_id for one in said.executions} == {LOGIN}
    assert {one.currency for one in said.cash_events} == {"USD"}
    assert "unknown" in said.executions[0].executed_at.zone
    assert said.unmapped == []
    assert len({one.source_trade_id for one in said.executions}) == len(said.executions) == 11
    assert {one.kind.value for one in said.executions} == {"trade", "cancel"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "is empty"),
        (b"[]", "is an empty list: it doesn't say of what"),
        (b"7", "a bare value"),
        (b'{"success": true, "data": {"a": 1}}', "its keys: a"),
        (b'{"status": "ok", "mode": "live"}', "its keys: mode, status"),
        (b'[{"ticket": 1, "time_setup": 5}]', "holds orders"),
        (b'{"success": false, "error": "no"}', "is an error that a bridge told, no data: no"),
        (b'{"deals": [], "deals": []}', "'deals' twice"),
        (b"<html>", "is HTML or XML"),
    ],
)
def test_what_is_no_answer_is_refused_by_name(body: bytes, problem: str) -> None:
    with pytest.raises(BrokerChangedError) as refused:
        provider.read_saved("saved.json", body)
    assert str(refused.value.safe_message).startswith("saved.json")
    assert problem in refused.value.safe_message
