"""What happens to credentials: accepted, refused, ended, and renewed where the broker issues sessions."""

import pytest

from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.feeds import FetchScope
from brokersync.domain.runs import Outcome
from local.simulators.kit import Happening, Login, Past
from tests.contract.brokers.conftest import Connect
from tests.contract.brokers.connected import Connected

REFUSALS = {ErrorCode.CREDENTIALS_REJECTED, ErrorCode.CONSENT_EXPIRED, ErrorCode.SETUP_INCOMPLETE}


def test_good_credentials_show_the_accounts_they_open(kit, connect: Connect) -> None:
    # given a trader who connects
    trader = connect(Past.SHORT)
    # when the accounts are listed
    listed = trader.list_accounts()
    # then they are the login's own, with their currencies; a connection's come with its first sync instead
    if trader.manifest.fetch_scope is FetchScope.ACCOUNT:
        assert sorted(one.broker_account_id for one in listed) == sorted(trader.scene.accounts)
        assert all(one.currency for one in listed)
    else:
        assert list(listed) == []
        trader.succeed()
        assert sorted(trader.feed.accounts) == sorted(trader.scene.accounts)
    trader.check_permits()
    trader.check_secrets()


def test_rejected_credentials_stop_the_feed_and_ask_the_trader(kit, connect: Connect) -> None:
    # given credentials that the broker refuses
    trader = connect(Past.SHORT, login=Login.REJECTED)
    # when they are used
    synced = trader.sync()
    # then nothing is stored, the trader is asked for others, and nobody tries again by himself
    _assert_refused(trader, synced.last.error_code, REFUSALS)
    # and who connects is told at once
    if trader.manifest.fetch_scope is FetchScope.ACCOUNT:
        with pytest.raises(UserActionNeededError) as refused:
            trader.list_accounts()
        assert refused.value.code in REFUSALS


@pytest.mark.demands(Login.EXPIRED)
def test_expired_credentials_are_told_from_rejected_ones_where_the_broker_does(kit, connect: Connect) -> None:
    # given credentials that worked once
    trader = connect(Past.SHORT, login=Login.EXPIRED)
    # when they are used
    synced = trader.sync()
    # then the trader is asked to renew them
    _assert_refused(trader, synced.last.error_code, {ErrorCode.CONSENT_EXPIRED, ErrorCode.CREDENTIALS_REJECTED})


def test_new_credentials_go_on_where_the_old_ones_ended(kit, connect: Connect) -> None:
    # given a synced feed whose credentials were revoked
    trader = connect(Past.SHORT)
    trader.succeed()
    good = dict(trader.credentials)
    trader.reconnect(trader.scene.logins[Login.REJECTED])
    trader.sync()
    assert not trader.feed.runnable or trader.feed.error_code is ErrorCode.SETUP_INCOMPLETE
    # when something happened meanwhile and the trader enters new ones
    trader.happen(Happening.TRADE)
    trader.reconnect(good)
    trader.succeed()
    # then the ledger is whole again
    assert trader.untrue() == []


@pytest.mark.demands(Happening.SESSION_ENDS)
def test_a_session_that_ended_is_renewed_within_the_sync(kit, connect: Connect) -> None:
    # given a synced feed, and a session at the broker that it may still use
    trader = connect(Past.SHORT)
    trader.succeed()
    # when the broker ends the session and something is executed
    trader.happen(Happening.SESSION_ENDS)
    trader.happen(Happening.TRADE)
    # then the next sync opens another one and succeeds
    trader.succeed()
    assert trader.untrue() == []


def _assert_refused(trader: Connected, code: ErrorCode | None, expected: set[ErrorCode]) -> None:
    feed = trader.feed
    assert code in expected, f"{code}: {feed.safe_message}"
    assert feed.outcome is Outcome.FAILED
    assert feed.wanted is None
    assert feed.runnable == (code is ErrorCode.SETUP_INCOMPLETE)
    assert (feed.connection_id in trader.connections.reconnects) == (not feed.runnable)
    assert all(not entries for entries in trader.stored().values())
