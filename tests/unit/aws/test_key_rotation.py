"""Key rotation: everything moves to new keys, nobody notices, and KMS is asked once per shard."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from brokersync.aws.connections import DynamoConnections, DynamoConnectionWriter
from brokersync.aws.key_rotation import KeyRotation, Rotated
from brokersync.aws.tables.connections import ConnectionItem
from brokersync.aws.tables.data_keys import DataKeyItem
from brokersync.aws.vault import shard_key
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.ports.brokers import SessionToken
from brokersync.ports.connections import Connection
from brokersync.ports.storage import ConflictError
from tests.fakes import FakeClock
from tests.fakes.time_and_chance import START

CONNECTION = Connection(
    connection_id="con_1", user_id="u1", broker="oanda", environment="practice", version=1, fingerprint=""
)
TOKEN = SessionToken(token="t1", expires_at=START + timedelta(minutes=80))


@pytest.fixture
def kms_key(aws):
    for model in (DataKeyItem, ConnectionItem):
        aws.table(model).create_table()
    return aws.client("kms").create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def writer(aws, kms_key):
    return DynamoConnectionWriter(aws, kms_key, manifests=BrokerCatalog())


@pytest.fixture
def rotation(aws, kms_key):
    return KeyRotation(aws, kms_key)


@pytest.fixture
def worker(aws, kms_key):
    """Makes processes that sync, each of them cold."""
    return lambda: DynamoConnections(aws, kms_key, clock=FakeClock())


@pytest.fixture
def kms_calls(aws):
    counts = Counter()
    aws.client("kms").meta.events.register("before-call.kms", lambda model, **_: counts.update([model.name]))
    return counts


def make(writer, *names):
    for name in names:
        writer.create(replace(CONNECTION, connection_id=name), {"token": f"secret of {name}"})


def keys(aws):
    return {item.connection_id: (item.key_id, item.session_key_id) for item in aws.table(ConnectionItem).scan()}


def of_one_shard(count):
    shard = shard_key("con_1")
    return [name for n in range(1, 10_000) if shard_key(name := f"con_{n}") == shard][:count]


def test_everything_opens_before_during_and_after_a_rotation(aws, writer, rotation, worker):
    # given connections, one with a session, and a process that has read all of them
    make(writer, "con_1", "con_2", "con_3")
    warm = worker()
    warm.session(CONNECTION).renew(TOKEN)
    for name in ("con_1", "con_2", "con_3"):
        warm.credentials(name, 1)
    # when the keys are rotated
    assert rotation.run() == Rotated(generation=2, moved=3)
    # then every row is under a new key, and warm and cold processes read what they always read
    assert all(key.startswith("2-") for pair in keys(aws).values() for key in pair if key)
    for process in (warm, worker()):
        for name in ("con_1", "con_2", "con_3"):
            assert process.credentials(name, 1)[1] == {"token": f"secret of {name}"}
        assert process.session(CONNECTION).current() == TOKEN
    # and what is made from now on is under the new keys
    make(writer, "con_4")
    assert keys(aws)["con_4"][0].startswith("2-")
    # and it can be done again
    assert rotation.run() == Rotated(generation=3, moved=4)


def test_kms_is_asked_once_per_shard(aws, writer, rotation, worker, kms_calls):
    # given five connections of one shard
    names = of_one_shard(5)
    make(writer, *names)
    assert kms_calls == {"Encrypt": 1}
    kms_calls.clear()
    # when they are rotated, then the old key is unwrapped once and the new one wrapped once
    rotation.run()
    assert kms_calls == {"Decrypt": 1, "Encrypt": 1}
    kms_calls.clear()
    # and a cold process asks once for all of them, a warm one never
    process = worker()
    for name in names:
        process.credentials(name, 1)
    assert kms_calls == {"Decrypt": 1}
    for name in names:
        process.session(replace(CONNECTION, connection_id=name)).current()
    assert kms_calls == {"Decrypt": 1}


def test_an_interrupted_rotation_is_gone_on_with(aws, writer, rotation, monkeypatch):
    # given a rotation that dies after its first row
    make(writer, "con_1", "con_2", "con_3")
    moving = KeyRotation._move
    moved = []

    def die_at_the_second(self, item, generation):
        if moved:
            raise ConnectionError("gone")
        moved.append(item.connection_id)
        moving(self, item, generation)

    with monkeypatch.context() as patched:
        patched.setattr(KeyRotation, "_move", die_at_the_second)
        with pytest.raises(ConnectionError):
            rotation.run()
    # when it is run again
    assert rotation.run() == Rotated(generation=2, moved=2)
    # then there are no keys of a third generation
    assert {key for key, _ in keys(aws).values()} == {shard_key(name, 2) for name in ("con_1", "con_2", "con_3")}


def test_a_reconnect_in_the_middle_of_a_rotation_wins(aws, writer, rotation, worker):
    # given a trader who enters new credentials between the rotation's look at the row and its write
    make(writer, "con_1")
    between = []

    def reconnect(**_):
        if not between:
            between.append(None)
            writer.replace(CONNECTION, {"token": "newer"})

    aws.client("kms").meta.events.register("before-call.kms.Decrypt", reconnect)
    # when the keys are rotated
    rotation.run()
    # then the newer credentials stand, under a new key
    assert worker().credentials("con_1", 2)[1] == {"token": "newer"}
    assert keys(aws)["con_1"][0].startswith("2-")


def test_a_removed_connection_has_nothing_to_rotate(aws, writer, rotation):
    make(writer, "con_1")
    writer.disconnect("con_1")
    assert rotation.run() == Rotated(generation=2, moved=0)
    assert keys(aws) == {"con_1": (None, None)}


def test_two_rotations_do_not_begin_two_generations(aws, writer, rotation, kms_key):
    # given a rotation that began meanwhile
    make(writer, "con_1")
    KeyRotation(aws, kms_key)._sealer.begin_generation(2)
    with pytest.raises(ConflictError, match="another rotation"):
        rotation._sealer.begin_generation(2)
