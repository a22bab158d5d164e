"""Credentials at rest: a dump of the tables is useless, and no ciphertext opens for another owner (I7)."""

from collections import Counter
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from pynamodb.attributes import BinaryAttribute

from brokersync.aws.tables.data_keys import DataKeyItem
from brokersync.aws.vault import Opener, Owner, Sealed, Sealer, VaultError, shard_key

OWNER = Owner(user_id="u1", connection_id="con_1", version=1)
CREDENTIALS = {"token": "8877665544332211", "name": "caf\u00e9"}


@pytest.fixture
def kms_key(aws):
    aws.table(DataKeyItem).create_table()
    return aws.client("kms").create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def sealer(aws, kms_key):
    return Sealer(aws, kms_key)


@pytest.fixture
def opener(aws, kms_key):
    return Opener(aws, kms_key)


@pytest.fixture
def calls(aws):
    """How often each operation of KMS is called."""
    counts = Counter()
    aws.client("kms").meta.events.register("before-call.kms", lambda model, **_: counts.update([model.name]))
    return counts


def same_shard(owner):
    """Another connection of the same shard."""
    others = (replace(owner, connection_id=f"con_other_{n}") for n in range(10_000))
    return next(one for one in others if shard_key(one.connection_id) == shard_key(owner.connection_id))


def test_i7_sealed_credentials_open_for_their_owner(sealer, opener):
    assert opener.open(OWNER, sealer.seal(OWNER, CREDENTIALS)) == CREDENTIALS


@pytest.mark.parametrize("change", [{"user_id": "u2"}, {"version": 2}, {"connection_id": None}])
def test_i7_swapped_ciphertexts_are_refused(sealer, opener, change):
    # given two owners of one shard, whose data key would open both
    other = same_shard(OWNER) if "connection_id" in change else replace(OWNER, **change)
    sealed = sealer.seal(OWNER, CREDENTIALS)
    sealer.seal(other, {"token": "another"})
    # when the ciphertext of one is put into the row of the other, then it doesn't open
    with pytest.raises(VaultError) as caught:
        opener.open(other, sealed)
    assert CREDENTIALS["token"] not in str(caught.value)


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-1], lambda text: bytes([text[0] ^ 1]) + text[1:], lambda _: b""]
)
def test_i7_damaged_ciphertexts_are_refused(sealer, opener, damage):
    sealed = sealer.seal(OWNER, CREDENTIALS)
    with pytest.raises(VaultError):
        opener.open(OWNER, Sealed(key_id=sealed.key_id, ciphertext=damage(sealed.ciphertext)))


def test_i7_a_dump_of_the_tables_is_useless(aws, sealer):
    # given sealed credentials and everything the tables hold
    sealed = sealer.seal(OWNER, CREDENTIALS)
    item = aws.table(DataKeyItem).find(sealed.key_id)
    dump = [sealed.ciphertext, item.public_key, item.wrapped_key]
    # then no secret is in it, and the wrapped key is no private key
    assert not any(value.encode() in part for part in dump for value in CREDENTIALS.values())
    assert len(item.wrapped_key) > 32
    # and equal credentials make different ciphertexts
    assert sealer.seal(OWNER, CREDENTIALS).ciphertext != sealed.ciphertext


def test_i7_sealing_never_decrypts(sealer, calls):
    # given a process that only stores credentials
    sealer.seal(OWNER, CREDENTIALS)
    sealer.seal(same_shard(OWNER), CREDENTIALS)
    # then all it asks of KMS is to wrap the shard's key, once
    assert calls == {"Encrypt": 1}


def test_a_warm_process_asks_kms_no_more(sealer, opener, calls):
    # given two connections of one shard, opened before
    other = same_shard(OWNER)
    sealed, sealed_other = sealer.seal(OWNER, CREDENTIALS), sealer.seal(other, CREDENTIALS)
    opener.open(OWNER, sealed)
    calls.clear()
    # when they are opened again
    assert opener.open(OWNER, sealed) == CREDENTIALS
    assert opener.open(other, sealed_other) == CREDENTIALS
    # then KMS is not asked
    assert calls == {}


def test_two_processes_that_make_a_shards_key_at_once_agree_on_one(aws, kms_key, opener):
    # given a process that gets in between another one's look at the table and its write
    first, second = Sealer(aws, kms_key), Sealer(aws, kms_key)
    between = []

    def seal_with_the_second(**_):
        if not between:
            between.append(None)
            between[0] = second.seal(OWNER, {"token": "second"})

    aws.client("kms").meta.events.register("before-call.kms.Encrypt", seal_with_the_second)
    # when the first one seals
    sealed = first.seal(OWNER, {"token": "first"})
    # then both open
    assert opener.open(OWNER, sealed) == {"token": "first"}
    assert opener.open(OWNER, between[0]) == {"token": "second"}


def test_i7_a_public_key_that_was_replaced_is_noticed(aws, sealer, opener):
    # given a shard whose public key somebody replaced in the table
    sealed = sealer.seal(OWNER, CREDENTIALS)
    table = aws.table(DataKeyItem)
    foreign = BinaryAttribute(legacy_encoding=False, attr_name="public_key").set(b"x" * 32)
    table.change(sealed.key_id, actions=[foreign], condition=None)
    # then the private key beside it is not unwrapped any more: KMS knows what it belongs to
    with pytest.raises(ClientError):
        opener.open(OWNER, sealed)


def test_a_lost_data_key_is_told(opener):
    with pytest.raises(VaultError, match="data key 1-00 is gone"):
        opener.open(OWNER, Sealed(key_id="1-00", ciphertext=b"x"))


def test_connections_spread_over_256_shards():
    shards = {shard_key(f"con_{n}") for n in range(10_000)}
    assert len(shards) == 256
