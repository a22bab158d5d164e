"""The data_keys table: one key pair per shard of the vault."""

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from brokersync.aws.tables.attributes import IntegerAttribute
from brokersync.aws.tables.base import Table, settings


class DataKeyItem(Table):
    """A shard's key pair: `wrapped_key` is the private key, encrypted by KMS; both are raw X25519 keys of 32 bytes.

    The item `current` has no keys: its `generation` is the one that is sealed under.
    """

    Meta = settings("data_keys")

    key_id = UnicodeAttribute(hash_key=True)
    public_key = BinaryAttribute(legacy_encoding=False, null=True)
    wrapped_key = BinaryAttribute(legacy_encoding=False, null=True)
    generation = IntegerAttribute(null=True)
