"""A broker's session during a fetch: renewed in time, and refused once means refreshed, not revoked."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from brokersync.brokers.live_session import RENEW_BEFORE, LiveSession
from brokersync.domain.errors import BrokerChangedError, ErrorCode, RetryLaterError, UserActionNeededError
from brokersync.ports.brokers import HttpAnswer, ProcessSession, SessionToken

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
REJECTED = UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, "Wrong password.")


def a_token(name: str, minutes: float = 80) -> SessionToken:
    return SessionToken(token=name, expires_at=NOW + timedelta(minutes=minutes))


@dataclass
class Broker:
    """Accepts some tokens; hands out those that a test lists, or raises them."""

    accepts: set[str]
    sign_ins: list[SessionToken | Exception] = field(default_factory=list)
    refreshes: list[SessionToken | Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def session(self, stored: ProcessSession, *, refresh: bool = True) -> LiveSession:
        return LiveSession(
            stored, now=NOW, sign_in=lambda: self._next(self.sign_ins), refresh=self._refresh if refresh else None
        )

    def _refresh(self, old: SessionToken) -> SessionToken:
        return self._next(self.refreshes)

    @staticmethod
    def _next(answers: list[SessionToken | Exception]) -> SessionToken:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, session: SessionToken) -> HttpAnswer:
        self.asked.append(session.token)
        status = 200 if session.token in self.accepts else 401
        return HttpAnswer(status=status, headers={}, body=b"", received_at=NOW)

    def ask(self, live: LiveSession) -> int:
        return live.ask(self.send, lambda answer: answer.status == 401).status


@pytest.fixture
def stored() -> ProcessSession:
    return ProcessSession()


def test_the_first_fetch_signs_in_and_the_next_one_uses_the_same_token(stored):
    # given a connection without a session
    broker = Broker({"t1"}, sign_ins=[a_token("t1")])
    # when two fetches ask, the second one twice
    assert broker.ask(broker.session(stored)) == 200
    again = broker.session(stored)
    assert [broker.ask(again), broker.ask(again)] == [200, 200]
    # then one sign-in served all
    assert broker.asked == ["t1"] * 3
    assert broker.sign_ins == []


@pytest.mark.parametrize("left", [0.5, RENEW_BEFORE.total_seconds() / 60])
def test_a_token_that_ends_soon_is_refreshed_before_it_is_used(stored, left):
    stored.renew(a_token("t1", minutes=left))
    broker = Broker({"t1", "t2"}, refreshes=[a_token("t2")])
    assert broker.ask(broker.session(stored)) == 200
    assert broker.asked == ["t2"]
    assert stored.current() == a_token("t2")


def test_an_expired_token_is_not_refreshed_but_replaced_by_a_sign_in(stored):
    stored.renew(a_token("t1", minutes=-1))
    broker = Broker({"t2"}, sign_ins=[a_token("t2")])
    assert broker.ask(broker.session(stored)) == 200
    assert broker.asked == ["t2"]


def test_a_refused_token_is_refreshed_once_and_asked_again(stored):
    # given a token that looks good and isn't
    stored.renew(a_token("t1"))
    broker = Broker({"t2"}, refreshes=[a_token("t2")])
    # then one refusal is no revocation
    assert broker.ask(broker.session(stored)) == 200
    assert broker.asked == ["t1", "t2"]


def test_a_refused_token_that_another_worker_replaced_costs_no_refresh(stored):
    # given a fetch that holds a token, and another worker that renews it
    stored.renew(a_token("t1"))
    broker = Broker({"t2"})
    live = broker.session(stored)
    assert live.token().token == "t1"
    stored.renew(a_token("t2"))
    # then the winner's is used
    assert broker.ask(live) == 200
    assert broker.asked == ["t1", "t2"]


@pytest.mark.parametrize("useless", [a_token("t1"), a_token("t1", minutes=999), a_token("t9", minutes=-1), REJECTED])
def test_a_refresh_that_gives_the_same_or_a_dead_token_or_is_refused_counts_as_none(stored, useless):
    # given a refused token whose refresh "succeeds" with nothing of use
    stored.renew(a_token("t1"))
    broker = Broker({"t2"}, refreshes=[useless], sign_ins=[a_token("t2")])
    # then signing in is tried before anything is called revoked, and the useless token is never asked with
    assert broker.ask(broker.session(stored)) == 200
    assert broker.asked == ["t1", "t2"]
    assert stored.current() == a_token("t2")


def test_a_refreshed_token_that_is_refused_too_leads_to_one_sign_in(stored):
    stored.renew(a_token("t1"))
    broker = Broker({"t3"}, refreshes=[a_token("t2")], sign_ins=[a_token("t3")])
    assert broker.ask(broker.session(stored)) == 200
    assert broker.asked == ["t1", "t2", "t3"]


def test_a_broker_that_refuses_every_token_is_asked_three_times_and_its_answer_comes_back(stored):
    # given a credential that signs in but opens nothing
    stored.renew(a_token("t1"))
    broker = Broker(set(), refreshes=[a_token("t2")], sign_ins=[a_token("t3")])
    # then the last refusal is the fetch's to yield and to classify
    assert broker.ask(broker.session(stored)) == 401
    assert broker.asked == ["t1", "t2", "t3"]


def test_a_rejected_sign_in_is_the_credentials_end(stored):
    # given a password that was changed
    stored.renew(a_token("t1"))
    broker = Broker(set(), refreshes=[REJECTED], sign_ins=[REJECTED])
    with pytest.raises(UserActionNeededError, match="credentials_rejected"):
        broker.ask(broker.session(stored))


def test_a_refresh_that_has_to_wait_waits(stored):
    # given a broker whose refresh is down
    stored.renew(a_token("t1"))
    broker = Broker(set(), refreshes=[RetryLaterError(ErrorCode.BROKER_UNAVAILABLE, "Down.")])
    # then that is no reason to sign in
    with pytest.raises(RetryLaterError):
        broker.ask(broker.session(stored))


def test_a_sign_in_with_a_dead_token_is_the_brokers_fault(stored):
    broker = Broker({"t1"}, sign_ins=[a_token("t1", minutes=0)])
    with pytest.raises(BrokerChangedError, match="expired at"):
        broker.ask(broker.session(stored))
    assert stored.current() is None


def test_without_refresh_a_broker_only_signs_in(stored):
    stored.renew(a_token("t1"))
    broker = Broker({"t2"}, sign_ins=[a_token("t2")])
    assert broker.ask(broker.session(stored, refresh=False)) == 200
    assert broker.asked == ["t1", "t2"]
