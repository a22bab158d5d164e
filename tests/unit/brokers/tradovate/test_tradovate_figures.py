"""Accounts, their figures and what they hold: by which list each is told, and when it is better not told."""

from decimal import Decimal

import pytest

from brokersync.brokers.tradovate.mapper import HOLDING
from brokersync.brokers.tradovate.provider import provider
from brokersync.domain.errors import ErrorCode, NeedsReviewError, UserActionNeededError
from brokersync.domain.pages import Normalised
from brokersync.domain.portfolio import Balance
from brokersync.domain.trades import Side
from tests.unit.brokers.tradovate.rows import ACCOUNT, LOOKED_UP, OTHER, RECEIVED, account, cash, page, position, read


def told(*rows: object, holding: str = "", snapshots: dict[str, object] | None = None) -> Normalised:
    """What cash and snapshots say of accounts of which those in `holding` have open positions."""
    pages = [page(section, usual) for section, usual in LOOKED_UP.items()]
    pages.append(page("cash_balances", list(rows), facts={HOLDING: holding}))
    for number, figures in (snapshots or {}).items():
        pages.append(page("cash_balance_snapshots", figures, params={"accountId": number}))
    return provider.normalise(pages, (ACCOUNT, OTHER))


def figures(balance: Balance) -> tuple[object, ...]:
    return balance.broker_account_id, balance.currency, balance.balance, balance.equity, balance.margin


def test_an_account_is_known_by_its_id_and_shown_by_its_name() -> None:
    # given two accounts, one with cash in euros
    said = read(accounts=(), cash_balances=[cash(currencyId=2)])
    # then
    listed = [(one.broker_account_id, one.name, one.currency) for one in said.accounts]
    assert listed == [(ACCOUNT, "DEMO8100011", "EUR"), (OTHER, "DEMO8100012", "USD")]


def test_a_flat_account_is_worth_its_cash() -> None:
    (balance,) = told(cash()).balances
    assert figures(balance) == (ACCOUNT, "USD", Decimal("50000.25"), Decimal("50000.25"), None)
    assert balance.as_of.utc == RECEIVED


def test_an_account_with_positions_is_worth_what_its_snapshot_says() -> None:
    # given two accounts, of which one holds something
    snapshot = {"totalCashValue": 50000.25, "netLiq": 49900.5, "initialMargin": 13200}
    said = told(cash(), cash(accountId=int(OTHER)), holding=ACCOUNT, snapshots={ACCOUNT: snapshot})
    # then each is told by what can tell it
    assert {figures(one) for one in said.balances} == {
        (ACCOUNT, "USD", Decimal("50000.25"), Decimal("49900.5"), Decimal(13200)),
        (OTHER, "USD", Decimal("50000.25"), Decimal("50000.25"), None),
    }


def test_without_its_snapshot_an_account_with_positions_keeps_its_figures() -> None:
    assert told(cash(), holding=ACCOUNT).balances == []


def test_an_account_without_cash_is_told_by_its_snapshot() -> None:
    (balance,) = told(snapshots={ACCOUNT: {"totalCashValue": 0, "netLiq": 0, "initialMargin": 0}}).balances
    assert figures(balance) == (ACCOUNT, "USD", 0, 0, 0)


def test_cash_in_two_currencies_is_added_up_by_the_snapshot_alone() -> None:
    rows = [cash(), cash(id=2, currencyId=2, amount=10)]
    assert told(*rows).balances == []
    (balance,) = told(*rows, snapshots={ACCOUNT: {"totalCashValue": 50011.1, "netLiq": 50011.1}}).balances
    assert figures(balance) == (ACCOUNT, "USD", Decimal("50011.1"), Decimal("50011.1"), None)


def test_a_snapshot_of_an_account_in_euros_tells_no_equity() -> None:
    # given a snapshot whose currency nothing tells
    snapshot = {"totalCashValue": 50000.25, "netLiq": 49900.5, "initialMargin": 13200}
    (balance,) = told(cash(currencyId=2), holding=ACCOUNT, snapshots={ACCOUNT: snapshot}).balances
    # then only the cash is sure
    assert figures(balance) == (ACCOUNT, "EUR", Decimal("50000.25"), None, None)


def test_a_balance_that_cant_be_read_makes_its_section_missing() -> None:
    said = told(cash(), cash(accountId=int(OTHER), amount="NaN"))
    assert said.balances == []
    assert said.missing_sections == ["cash_balances"]


def test_positions_are_signed_and_flat_ones_are_none() -> None:
    # given a short, a flat one, and an account without any
    rows = [position(netPos=-3, netPrice=5278.125), position(id=402, contractId=56, netPos=0)]
    said = read(positions=rows)
    # then
    first, second = said.positions
    (one,) = first.positions
    assert (one.side, one.volume, one.open_price, one.symbol) == (Side.SELL, 3, Decimal("5278.125"), "ESH6")
    assert (one.position_id, one.currency) == ("401", "USD")
    assert (second.broker_account_id, second.positions) == (OTHER, ())


@pytest.mark.parametrize(
    "bad", [position(netPos=None), position(contractId=99), position(accountId=5), position(netPrice="1,5")]
)
def test_a_position_that_cant_be_read_makes_the_section_missing(bad: dict[str, object]) -> None:
    # given a list with a gap
    said = read(positions=[bad])
    # then it is told, and no account is called flat that may not be
    assert said.missing_sections == ["positions"]
    assert ACCOUNT not in [section.broker_account_id for section in said.positions if not section.positions] or (
        bad["accountId"] == 5
    )
    assert len(said.unmapped) == 1


def test_i7_another_traders_accounts_are_refused() -> None:
    with pytest.raises(UserActionNeededError) as refused:
        read(("1234567",))
    assert refused.value.code is ErrorCode.WRONG_ACCOUNT


def test_a_new_account_of_the_login_is_welcome() -> None:
    assert [one.broker_account_id for one in read((ACCOUNT,)).accounts] == [ACCOUNT, OTHER]


def test_i5_no_account_at_all_is_not_believed() -> None:
    with pytest.raises(NeedsReviewError) as doubted:
        provider.normalise([page("accounts", [])], (ACCOUNT,))
    assert doubted.value.code is ErrorCode.EMPTY_WHERE_HISTORY
    with pytest.raises(UserActionNeededError) as incomplete:
        provider.normalise([page("accounts", [])], ())
    assert incomplete.value.code is ErrorCode.SETUP_INCOMPLETE


def test_an_account_is_listed_whatever_its_state() -> None:
    said = provider.normalise([page("accounts", [account(active=False)])], ())
    assert [one.broker_account_id for one in said.accounts] == [ACCOUNT]
