"""Connections: made once, decrypted by version, marked for re-connect only where nothing newer is there (I7)."""

import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from brokersync.aws.connections import KEPT, MOST_KEPT, DynamoConnections, DynamoConnectionWriter, fingerprint
from brokersync.aws.tables.connections import ConnectionItem
from brokersync.aws.tables.data_keys import DataKeyItem
from brokersync.aws.vault import Owner, Sealer, VaultError
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.ports.connections import Connection
from tests.fakes import FakeClock

CREDENTIALS = {"token": "8877665544332211", "query_id": "42"}


def connection(connection_id="con_1", **changes):
    facts = {"user_id": "u1", "broker": "ibkr_flex", "environment": "live", "version": 1, "fingerprint": ""}
    return Connection(connection_id=connection_id, **(facts | changes))


@pytest.fixture
def kms_key(aws):
    for model in (DataKeyItem, ConnectionItem):
        aws.table(model).create_table()
    return aws.client("kms").create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def connections(aws, kms_key, clock):
    return DynamoConnections(aws, kms_key, clock=clock)


@pytest.fixture
def writer(aws, kms_key):
    return DynamoConnectionWriter(aws, kms_key, manifests=BrokerCatalog())


@pytest.fixture
def reads(aws):
    """How often each operation of DynamoDB and KMS is called."""
    counts = Counter()
    for service in ("dynamodb", "kms"):
        aws.client(service).meta.events.register(
            f"before-call.{service}", lambda model, **_: counts.update([model.name])
        )
    return counts


def reconnect(aws, kms_key, made, credentials):
    """A trader re-connects: the row gets the next version."""
    following = made.version + 1
    owner = Owner(user_id=made.user_id, connection_id=made.connection_id, version=following)
    sealed = Sealer(aws, kms_key).seal(owner, credentials)
    aws.table(ConnectionItem).change(
        made.connection_id,
        actions=[ConnectionItem.version.set(following), ConnectionItem.credentials.set(sealed.ciphertext)],
        condition=None,
    )


def status(aws, connection_id="con_1"):
    return aws.table(ConnectionItem).find(connection_id).status


def test_a_new_connection_is_read_with_its_credentials(aws, writer, connections):
    # given a connection that was made
    made = writer.create(connection(), CREDENTIALS)
    # then it is read back with its fingerprint and its credentials
    assert connections.credentials("con_1", 1) == (made, CREDENTIALS)
    assert made.fingerprint
    assert status(aws) == "connected"


def test_a_connection_is_made_once(writer, connections):
    # given a connection
    writer.create(connection(), CREDENTIALS)
    # when another one is made under its id, then that is refused and the first one stays
    with pytest.raises(ValueError, match="connection_id: con_1 exists already"):
        writer.create(connection(user_id="u2"), {"token": "another"})
    assert connections.credentials("con_1", 1)[1] == CREDENTIALS


def test_i7_no_secret_is_in_the_row(aws, writer):
    # given a stored connection
    writer.create(connection(), CREDENTIALS)
    raw = aws.client("dynamodb").get_item(TableName="test-connections", Key={"connection_id": {"S": "con_1"}})["Item"]
    # then the raw item has neither the token nor a plain hash of it
    assert CREDENTIALS["token"] not in str(raw)
    assert hashlib.sha256(CREDENTIALS["token"].encode()).hexdigest()[:16] not in str(raw)


def test_i7_credentials_moved_to_another_row_are_refused(aws, writer, connections):
    # given two connections, and the ciphertext of one in the row of the other
    for name, user in (("con_1", "u1"), ("con_2", "u2")):
        writer.create(connection(name, user_id=user), CREDENTIALS)
    table = aws.table(ConnectionItem)
    stolen = table.find("con_1")
    table.change(
        "con_2",
        actions=[ConnectionItem.credentials.set(stolen.credentials), ConnectionItem.key_id.set(stolen.key_id)],
        condition=None,
    )
    # then they don't open there
    with pytest.raises(VaultError):
        connections.credentials("con_2", 1)


def test_a_connection_that_is_gone_is_a_key_error(connections):
    with pytest.raises(KeyError, match="con_9"):
        connections.credentials("con_9", 1)


# --- what a process remembers ---------------------------------------------------------------------------------------


def test_a_warm_process_reads_nothing_for_a_version_it_knows(writer, connections, reads):
    # given credentials that were read
    writer.create(connection(), CREDENTIALS)
    first = connections.credentials("con_1", 1)
    reads.clear()
    # then reading them again costs no request
    assert connections.credentials("con_1", 1) == first
    assert reads == {}


def test_new_credentials_are_read_at_once(aws, kms_key, writer, connections):
    # given a process that knows the first version
    made = writer.create(connection(), CREDENTIALS)
    connections.credentials("con_1", 1)
    # when the trader re-connects
    reconnect(aws, kms_key, made, {"token": "new"})
    # then the next version is read
    found, credentials = connections.credentials("con_1", 2)
    assert (found.version, credentials) == (2, {"token": "new"})


def test_newer_credentials_than_asked_for_are_served_but_not_remembered_as_the_old_ones(
    aws, kms_key, writer, connections
):
    # given a message that still names the first version, after a re-connect
    made = writer.create(connection(), CREDENTIALS)
    reconnect(aws, kms_key, made, {"token": "new"})
    assert connections.credentials("con_1", 1)[1] == {"token": "new"}
    # when the trader re-connects once more
    reconnect(aws, kms_key, connection(version=2), {"token": "newest"})
    # then the same message gets what is there
    assert connections.credentials("con_1", 1)[1] == {"token": "newest"}


def test_a_removed_connection_is_forgotten_in_time(aws, writer, connections, clock):
    # given credentials that a process knows, and a connection that is removed
    writer.create(connection(), CREDENTIALS)
    connections.credentials("con_1", 1)
    aws.client("dynamodb").delete_item(TableName="test-connections", Key={"connection_id": {"S": "con_1"}})
    # then it is gone after that time at the latest
    clock.set(clock.now() + KEPT + timedelta(seconds=1))
    with pytest.raises(KeyError):
        connections.credentials("con_1", 1)


def test_a_process_remembers_a_bounded_number(aws, kms_key, writer, connections, reads, monkeypatch):
    # given room for two
    monkeypatch.setattr("brokersync.aws.connections.MOST_KEPT", 2)
    for name in ("con_1", "con_2", "con_3"):
        writer.create(connection(name), CREDENTIALS)
        connections.credentials(name, 1)
    reads.clear()
    # then the newest two are remembered, the first one is read again
    connections.credentials("con_2", 1)
    connections.credentials("con_3", 1)
    assert reads == {}
    connections.credentials("con_1", 1)
    assert reads["GetItem"] == 1
    assert MOST_KEPT > 100


def test_ten_threads_read_at_once(writer, connections):
    # given some connections and a cold process
    made = [writer.create(connection(f"con_{n}"), {"token": f"t{n}"}) for n in range(3)]
    # when ten threads read them
    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(lambda n: connections.credentials(f"con_{n % 3}", 1), range(30)))
    # then each has its own
    assert found == [(made[n % 3], {"token": f"t{n % 3}"}) for n in range(30)]


# --- re-connect -----------------------------------------------------------------------------------------------------


def test_a_rejected_credential_asks_for_a_reconnect(aws, writer, connections):
    writer.create(connection(), CREDENTIALS)
    connections.require_reconnect("con_1", 1)
    connections.require_reconnect("con_1", 1)
    assert status(aws) == "reauth_required"


def test_a_late_rejection_does_not_touch_newer_credentials(aws, kms_key, writer, connections):
    # given a trader who re-connected while a run with the old credentials went on
    made = writer.create(connection(), CREDENTIALS)
    reconnect(aws, kms_key, made, {"token": "new"})
    # when that run finds them rejected
    connections.require_reconnect("con_1", 1)
    # then the new ones stay connected
    assert status(aws) == "connected"


def test_a_rejection_of_a_connection_that_is_gone_makes_none(aws, connections):
    connections.require_reconnect("con_9", 1)
    assert aws.table(ConnectionItem).find("con_9") is None


# --- fingerprints ---------------------------------------------------------------------------------------------------


def test_i6_one_credential_has_one_fingerprint_whoever_enters_it(writer):
    # given one token, entered by two users for two queries
    one = writer.create(connection("con_1", user_id="u1"), {"token": "t", "query_id": "1"})
    other = writer.create(connection("con_2", user_id="u2"), {"token": "t", "query_id": "2"})
    another = writer.create(connection("con_3"), {"token": "t2", "query_id": "1"})
    # then the broker's limit on that token is one limit, and another token has its own
    assert one.fingerprint == other.fingerprint != another.fingerprint


def test_a_fingerprint_belongs_to_a_broker_and_an_environment():
    made = [
        fingerprint(connection(broker=broker, environment=environment), {"token": "t"})
        for broker in ("a", "b")
        for environment in ("live", "practice")
    ]
    assert len(set(made)) == 4
