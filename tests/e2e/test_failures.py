"""Accounts that fail in every way, side by side with healthy ones, with permissions enforced (I1, I5, I7, I10)."""

import base64
from collections.abc import Iterator, Mapping

import pytest

from brokersync.contracts import http
from brokersync.domain.runs import Outcome
from brokersync.domain.status import AccountStatus
from local.simulators.truth import differences
from tests.e2e.bad_answers import CASES, SENT_AWAY, Broker, Case
from tests.e2e.stage import SECRET, Stage, Trader, stage

pytestmark = pytest.mark.stack

each_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture(scope="module")
def here() -> Iterator[Stage]:
    with stage(enforce_iam=True) as made:
        made.dispatcher_is_up_to_date()
        yield made


@pytest.fixture(scope="module")
def traders(here: Stage) -> Mapping[str, Trader]:
    """One trader for every case, all first syncs done."""
    made = {
        name: here.connect(faults=lambda spec, case=case: case.plan(Broker(here.broker_url, spec)), **case.spec)
        for name, case in CASES.items()
    }
    here.wait_for_runs(list(made.values()), 1)
    return made


@each_case
def test_i5_i10_each_failure_is_classified_and_the_trader_is_told_what_to_do(
    here: Stage, traders: Mapping[str, Trader], name: str
) -> None:
    # given an account that answers so
    # when its first sync is over, then run and API tell how it ended
    is_told(here, traders[name], CASES[name])


@each_case
def test_i1_i5_the_answer_is_kept_and_nothing_is_invented(
    here: Stage, traders: Mapping[str, Trader], name: str
) -> None:
    # given an account that answered so
    case, trader = CASES[name], traders[name]
    # when the ledger is compared with the broker's books
    entries = here.stored.entries(trader.account_id)
    true = here.true_entries(trader)
    # then all that is stored is true, each entry once; in good order, it is everything
    assert not list(differences(true, entries, complete=case.outcome is Outcome.SUCCEEDED))
    assert bool(entries) == (case.stored and bool(true))
    # and the answer that was not understood is among the snapshots, byte for byte
    if case.keeps:
        assert spoiled(here, trader) in [page.body for page in here.evidence.pages(trader.feed_id)]


def spoiled(here: Stage, trader: Trader) -> bytes:
    """The body that the account's fault put in place of the true one."""
    (fault,) = [one for one, _ in here.control.faults.state() if one.token == trader.spec.token]
    if fault.body is not None:
        return fault.body.encode()
    return Broker(here.broker_url, trader.spec).raw_transactions()


def test_i7_healthy_accounts_among_them_have_all_their_data(here: Stage, traders: Mapping[str, Trader]) -> None:
    # given healthy accounts that were synced at the same time
    well = [trader for name, trader in traders.items() if CASES[name].outcome is Outcome.SUCCEEDED]
    # then figures, positions and cursor are the broker's
    for trader in well:
        true, portfolio = here.truth(trader), here.stored.portfolio(trader.account_id)
        assert portfolio.balance is not None
        assert portfolio.positions is not None
        assert str(portfolio.balance.balance) in (true["balance"], true["balance"].rstrip("0").rstrip("."))
        assert len(portfolio.positions.positions) == true["open_trades"]
        assert here.stored.feed(trader.feed_id).cursor == true["last_transaction_id"]


def test_an_account_that_fails_half_way_keeps_what_it_had_and_goes_on_from_there(
    here: Stage, traders: Mapping[str, Trader]
) -> None:
    # given an account whose second page failed
    trader = traders["fails half way"]
    half = here.stored.entries(trader.account_id)
    true = here.true_entries(trader)
    assert 0 < len(half) < len(true)
    assert here.stored.feed(trader.feed_id).cursor == "1000"
    # when the broker is well again, and the trader doesn't want to wait
    here.heal(trader)
    assert here.as_trader(trader, "POST", f"/trading-accounts/{trader.account_id}/sync").status_code == 202
    here.wait_for_runs([trader], 2)
    # then the rest comes, and nothing twice
    first, second = here.stored.runs(trader.feed_id)
    assert second.outcome is Outcome.SUCCEEDED
    assert first.stats.inserted == len(half)
    assert first.stats.inserted + second.stats.inserted == len(true)
    assert not list(differences(true, here.stored.entries(trader.account_id), complete=True))


def test_i7_no_secret_is_anywhere(here: Stage, traders: Mapping[str, Trader]) -> None:
    # given all that functions, tables, queues, bucket and API have put down or told about these accounts
    for one in traders.values():
        here.as_trader(one, "GET", f"/trading-accounts/{one.account_id}/sync-runs")
        here.as_trader(one, "GET", f"/trading-accounts/{one.account_id}/trades", limit=1)
    places = {
        "logs": here.evidence.log_texts(),
        "emulator's log": [here.evidence.emulator_log()],
        "snapshots": here.evidence.snapshot_texts(),
        "tables": here.evidence.table_texts(),
        "messages and events": here.evidence.messages(),
        "API's answers": here.told,
    }
    # when it is searched for what every broker token begins with, as it is and in base64; then there is none
    assert all(trader.spec.token.startswith(SECRET) for trader in traders.values())
    for place, texts in places.items():
        everything = "\n".join(texts)
        assert SECRET not in everything, f"a token is in the {place}"
        assert base64.b64encode(SECRET.encode()).decode()[:9] not in everything, f"a token is in the {place}"
        # and the search was no empty one
        assert any(trader.feed_id in everything for trader in traders.values())


def test_i6_i10_a_broker_that_sends_us_away_is_left_in_peace_until_it_says(here: Stage) -> None:
    # given an account that is answered with 429 and a time, when all others are done: from then on nobody is served
    trader = here.connect(faults=lambda spec: SENT_AWAY.plan(Broker(here.broker_url, spec)))
    here.wait_for_runs([trader], 1)
    # then its trader is told until when it waits, and no try was used up
    is_told(here, trader, SENT_AWAY)
    wanted = here.stored.feed(trader.feed_id).wanted
    assert wanted is not None
    assert wanted.attempt == 0


def is_told(here: Stage, trader: Trader, case: Case) -> None:
    """Run and API tell the one thing that happened, and what to do."""
    (run,) = here.stored.runs(trader.feed_id)
    assert (run.outcome, run.error_code) == (case.outcome, case.code)
    # and its trader is told the same, in words, with the next step and the one right button
    answer = here.as_trader(trader, "GET", f"/trading-accounts/{trader.account_id}/sync-status")
    told = http.SyncStatus.model_validate_json(answer.content)
    assert (told.status, told.action) == (case.status, case.action)
    assert (told.last_successful_sync_at is not None) == (case.outcome is Outcome.SUCCEEDED)
    if case.code is None:
        assert told.error is None
    else:
        assert told.error is not None
        assert told.error.code == case.code
        assert told.error.message == run.safe_message
        assert told.error.message.endswith(".")
        assert told.error.next_step.endswith(".")
    assert (told.retry_at is not None) == (told.status is AccountStatus.PENDING)
