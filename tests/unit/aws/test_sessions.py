"""Brokers' sessions at rest: sealed, one refresher wins, and nothing late brings back what was erased."""

from dataclasses import replace
from datetime import timedelta

import pytest

from brokersync.aws.connections import DynamoConnections, DynamoConnectionWriter
from brokersync.aws.tables.connections import ConnectionItem
from brokersync.aws.tables.data_keys import DataKeyItem
from brokersync.aws.vault import VaultError
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.connections import ConnectionStatus
from brokersync.domain.errors import RetryLaterError, UserActionNeededError
from brokersync.ports.brokers import SessionToken
from brokersync.ports.connections import Connection
from tests.fakes import FakeClock
from tests.fakes.time_and_chance import START

CONNECTION = Connection(
    connection_id="con_1", user_id="u1", broker="oanda", environment="practice", version=1, fingerprint=""
)


def a_token(name: str) -> SessionToken:
    return SessionToken(token=name, expires_at=START + timedelta(minutes=80), extra={"userId": "15460"})


@pytest.fixture
def kms_key(aws):
    for model in (DataKeyItem, ConnectionItem):
        aws.table(model).create_table()
    return aws.client("kms").create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def rows(aws):
    return aws.table(ConnectionItem)


@pytest.fixture
def connections(aws, kms_key):
    writer = DynamoConnectionWriter(aws, kms_key, manifests=BrokerCatalog())
    for name in ("con_1", "con_2"):
        writer.create(replace(CONNECTION, connection_id=name), {"token": "secret"})
    return DynamoConnections(aws, kms_key, clock=FakeClock())


def session(connections, connection=CONNECTION):
    return connections.session(connection)


def test_a_session_is_there_for_the_next_worker(connections):
    # given a connection that never signed in
    assert session(connections).current() is None
    # when a worker stores its session
    assert session(connections).renew(a_token("t1")) == a_token("t1")
    # then the next one finds it, whole
    assert session(connections).current() == a_token("t1")


def test_i7_a_dump_of_the_row_has_no_token(aws, connections):
    session(connections).renew(a_token("token-4711"))
    raw = aws.client("dynamodb").get_item(TableName="test-connections", Key={"connection_id": {"S": "con_1"}})["Item"]
    assert b"token-4711" not in raw["session"]["B"]
    assert "15460" not in str(raw)
    assert "token-4711" not in repr(a_token("token-4711"))


def test_one_refresher_wins_and_the_losers_use_its_token(connections):
    # given workers that all looked at the same session
    workers = [session(connections) for _ in range(6)]
    for worker in workers:
        worker.current()
    # when each stores a new one (one by one: moto's conditions, other than DynamoDB's, don't hold between threads)
    got = [worker.renew(a_token(f"t{number}")) for number, worker in enumerate(workers)]
    # then all go on with the first, which is stored
    assert {one.token for one in got} == {"t0"}
    assert session(connections).current() == got[0]


def test_a_loser_can_renew_the_winners_token_later(connections):
    # given a worker that lost
    first, second = session(connections), session(connections)
    first.current(), second.current()
    first.renew(a_token("t1"))
    assert second.renew(a_token("t2")).token == "t1"
    # when it renews what it got
    assert second.renew(a_token("t3")).token == "t3"
    assert session(connections).current().token == "t3"


def test_a_late_refresh_does_not_bring_back_what_was_erased(rows, connections):
    # given a worker in the middle of a refresh, and a trader who disconnects
    late = session(connections)
    late.current()
    rows.change(
        "con_1",
        actions=[
            ConnectionItem.status.set(ConnectionStatus.DISCONNECTED.value),
            ConnectionItem.credentials.remove(),
            ConnectionItem.session.remove(),
        ],
        condition=None,
    )
    # when the worker stores its token, then that is refused
    with pytest.raises(UserActionNeededError, match="removed"):
        late.renew(a_token("t1"))
    # and nothing is in the row
    assert rows.find("con_1").session is None
    with pytest.raises(UserActionNeededError, match="removed"):
        session(connections).current()


def test_a_late_refresh_does_not_outlive_new_credentials(rows, connections):
    # given a worker under the first credentials, and a trader who enters new ones
    late = session(connections)
    late.renew(a_token("t1"))
    rows.change(
        "con_1",
        actions=[
            ConnectionItem.version.set(2),
            ConnectionItem.session.remove(),
            ConnectionItem.session_version.remove(),
        ],
        condition=None,
    )
    # when that worker renews, then it is told to come back
    with pytest.raises(RetryLaterError, match="version 2"):
        late.renew(a_token("t2"))
    assert rows.find("con_1").session is None


def test_a_session_of_a_connection_that_is_gone_is_no_session(connections):
    gone = session(connections, replace(CONNECTION, connection_id="con_9"))
    with pytest.raises(UserActionNeededError, match="removed"):
        gone.current()


def test_i7_a_session_opens_in_no_other_row_and_in_no_other_place(rows, connections):
    # given a session and credentials of one shard's key each
    session(connections).renew(a_token("t1"))
    stolen = rows.find("con_1")
    # when the session is put into another user's row
    rows.change(
        "con_2",
        actions=[
            ConnectionItem.session.set(stolen.session),
            ConnectionItem.session_key_id.set(stolen.session_key_id),
            ConnectionItem.session_version.set(1),
        ],
        condition=None,
    )
    # then it doesn't open there
    with pytest.raises(VaultError):
        session(connections, replace(CONNECTION, connection_id="con_2")).current()
    # and the credentials don't pass for a session
    rows.change("con_1", actions=[ConnectionItem.session.set(stolen.credentials)], condition=None)
    with pytest.raises(VaultError):
        session(connections).current()


def test_i7_a_session_is_sealed_without_making_a_key(aws, connections):
    # given a process that may not wrap keys
    calls = []
    aws.client("kms").meta.events.register("before-call.kms", lambda model, **_: calls.append(model.name))
    # when it stores and reads a session
    session(connections).renew(a_token("t1"))
    session(connections).current()
    # then all it asked of KMS is to unwrap the shard's key, once
    assert calls == ["Decrypt"]
