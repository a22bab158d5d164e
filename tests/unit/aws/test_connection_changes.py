"""New credentials and the end of them: one writer wins, nothing of the old ones is left, nothing late comes back."""

from dataclasses import replace

import pytest

from brokersync.aws.connections import DynamoConnectionRecords, DynamoConnections, DynamoConnectionWriter
from brokersync.aws.tables.connections import ConnectionItem
from brokersync.aws.tables.data_keys import DataKeyItem
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.connections import ConnectionStatus
from brokersync.ports.connections import Connection, ConnectionRecord
from brokersync.ports.storage import ConflictError
from tests.fakes import FakeClock
from tests.unit.aws.test_sessions import a_token

CONNECTION = Connection(
    connection_id="con_1",
    user_id="u1",
    broker="oanda",
    environment="practice",
    version=1,
    fingerprint="",
    replaces="con_0",
)


@pytest.fixture
def kms_key(aws):
    for model in (DataKeyItem, ConnectionItem):
        aws.table(model).create_table()
    return aws.client("kms").create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def writer(aws, kms_key):
    return DynamoConnectionWriter(aws, kms_key, manifests=BrokerCatalog())


@pytest.fixture
def worker(aws, kms_key):
    return DynamoConnections(aws, kms_key, clock=FakeClock())


@pytest.fixture
def records(aws):
    return DynamoConnectionRecords(aws)


@pytest.fixture
def stored(writer):
    return writer.create(CONNECTION, {"token": "old-4711"})


def test_new_credentials_take_the_place_of_the_old_ones_and_of_their_session(aws, writer, worker, records, stored):
    # given a connection whose credentials were rejected, with a session
    worker.session(stored).renew(a_token("session-4711"))
    worker.require_reconnect("con_1", 1)
    # when new ones are entered
    renewed = writer.replace(stored, {"token": "new"})
    # then they are read under the next version, and the broker counts them by themselves
    assert worker.credentials("con_1", 2) == (renewed, {"token": "new"})
    assert (renewed.version, renewed.fingerprint != stored.fingerprint) == (2, True)
    assert records.get("con_1") == ConnectionRecord(connection=renewed, status=ConnectionStatus.CONNECTED)
    # and there is no session any more
    assert worker.session(renewed).current() is None


def test_two_who_enter_credentials_at_once_do_not_mix(writer, worker, stored):
    # given two who looked at the same version
    writer.replace(stored, {"token": "first"})
    # then the second one is told
    with pytest.raises(ConflictError):
        writer.replace(stored, {"token": "second"})
    assert worker.credentials("con_1", 2)[1] == {"token": "first"}


def test_new_credentials_whose_answer_was_lost_are_entered(aws, writer, worker, stored, monkeypatch):
    # given an update that takes effect twice, because the client never heard of the first
    change = ConnectionItem.change.__func__

    def twice(cls, *args, **kwargs):
        change(cls, *args, **kwargs)
        return change(cls, *args, **kwargs)

    monkeypatch.setattr(ConnectionItem, "change", classmethod(twice))
    # then that is success
    assert writer.replace(stored, {"token": "new"}).version == 2
    assert worker.credentials("con_1", 2)[1] == {"token": "new"}


def test_disconnecting_erases_every_secret_at_once_and_for_good(aws, writer, worker, records, stored):
    # given a connection with a session, which this process knows
    worker.session(stored).renew(a_token("session-4711"))
    worker.credentials("con_1", 1)
    # when it is disconnected, twice
    worker.disconnect("con_1")
    worker.disconnect("con_1")
    # then the row has whose it was and nothing else
    raw = aws.client("dynamodb").get_item(TableName="test-connections", Key={"connection_id": {"S": "con_1"}})["Item"]
    assert set(raw) == {"connection_id", "user_id", "broker", "environment", "status", "version"}
    assert records.get("con_1").status is ConnectionStatus.DISCONNECTED
    # and nobody reads or brings back anything
    with pytest.raises(KeyError):
        worker.credentials("con_1", 1)
    with pytest.raises(ConflictError):
        writer.replace(stored, {"token": "new"})
    with pytest.raises(ConflictError):
        writer.replace(replace(stored, version=2), {"token": "new"})
    worker.require_reconnect("con_1", 1)
    worker.require_reconnect("con_1", 2)
    assert records.get("con_1").status is ConnectionStatus.DISCONNECTED


def test_disconnecting_what_was_never_there_says_so(aws, writer, stored):
    with pytest.raises(KeyError):
        writer.disconnect("con_9")
    assert aws.table(ConnectionItem).find("con_9") is None


def test_i7_a_user_has_only_the_own_connections(writer, records, stored):
    other = writer.create(replace(CONNECTION, connection_id="con_2", user_id="u2"), {"token": "t"})
    assert [record.connection for record in records.of_user("u1")] == [stored]
    assert [record.connection for record in records.of_user("u2")] == [other]
    assert records.get("con_9") is None


def test_i7_a_dump_of_all_tables_is_useless(aws, writer, worker, stored):
    # given credentials and a session
    worker.session(stored).renew(a_token("session-4711"))
    # when everything that the tables hold is read without KMS
    client = aws.client("dynamodb")
    dump = repr([client.scan(TableName=name)["Items"] for name in client.list_tables()["TableNames"]])
    # then no secret is in it, and no answer of the adapters shows one
    assert "4711" not in dump + repr(stored)
