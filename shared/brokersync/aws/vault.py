"""Credentials at rest: sealed for a shard's public key, opened only where KMS unwraps its private key (I7).

Hybrid public-key encryption (RFC 9180, base mode): X25519, HKDF-SHA256, AES-256-GCM. Each of the 256 shards has a key
pair; the private key is wrapped by KMS. So whoever seals needs kms:Encrypt at most, and can't read what is there;
whoever opens needs kms:Decrypt, once per shard and process. docs/adr/0002-vault.md has the reasons.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.base import Refused
from brokersync.aws.tables.data_keys import DataKeyItem
from brokersync.ports.storage import ConflictError

FIRST_GENERATION = 1  # of the shards' keys: a new one is used from then on, old ones stay readable
CURRENT = "current"  # the item of data_keys that says which generation is used; none: the first
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class VaultError(Exception):
    """Credentials can't be opened: they were sealed for another user, connection or version, or changed since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom a ciphertext belongs to: sealed for one owner it opens for no other.

    `session` tells a broker's session from the credentials beside it: neither opens in the other's place.
    """

    user_id: str
    connection_id: str
    version: int
    session: bool = False

    @property
    def binding(self) -> bytes:
        """The additional data of the encryption."""
        whose = [self.user_id, self.connection_id, self.version]
        return json.dumps([*whose, "session"] if self.session else whose).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Encrypted credentials, and the shard's key that opens them."""

    key_id: str
    ciphertext: bytes


class Sealer:
    """Encrypts, and can't decrypt. Needs kms:Encrypt, dynamodb:GetItem and PutItem on data_keys."""

    def __init__(self, session: AwsSession, kms_key_id: str) -> None:
        self._session = session
        self._kms_key_id = kms_key_id
        self._keys = session.table(DataKeyItem)

    def seal(self, owner: Owner, credentials: Mapping[str, str]) -> Sealed:
        """Encrypt credentials for their owner; the first ones of a shard make its key pair."""
        key_id = shard_key(owner.connection_id, self.generation())
        item = self._keys.find(key_id) or self._new_key(key_id)
        return self._seal(item, owner, credentials)

    def seal_beside(self, key_id: str, owner: Owner, secrets: Mapping[str, str]) -> Sealed:
        """Encrypt under a key that is there, which takes no right to make one. Raises VaultError if it is gone."""
        item = self._keys.find(key_id)
        if item is None:
            raise VaultError(f"data key {key_id} is gone")
        return self._seal(item, owner, secrets)

    def generation(self) -> int:
        """The generation of keys that is used now."""
        item = self._keys.find(CURRENT)
        return item.generation if item is not None else FIRST_GENERATION

    def begin_generation(self, generation: int) -> None:
        """Let everybody seal under this generation from now on. Raises ConflictError unless it follows the present."""
        item = self._keys(key_id=CURRENT, generation=generation)
        second = generation == FIRST_GENERATION + 1
        follows = DataKeyItem.key_id.does_not_exist() if second else DataKeyItem.generation == generation - 1
        if isinstance(item.insert(follows), Refused):
            raise ConflictError(f"generation {generation} does not follow the present one: another rotation has begun")

    @staticmethod
    def _seal(item: DataKeyItem, owner: Owner, secrets: Mapping[str, str]) -> Sealed:
        public_key = X25519PublicKey.from_public_bytes(item.public_key)
        text = json.dumps(dict(secrets)).encode()
        return Sealed(key_id=item.key_id, ciphertext=_SUITE.encrypt(text, public_key, info=owner.binding))

    def _new_key(self, key_id: str) -> DataKeyItem:
        private_key = X25519PrivateKey.generate()
        public_key = private_key.public_key().public_bytes_raw()
        wrapped = self._session.client("kms").encrypt(
            KeyId=self._kms_key_id,
            Plaintext=private_key.private_bytes_raw(),
            EncryptionContext=_wrapping_context(key_id, public_key),
        )
        item = self._keys(key_id=key_id, public_key=public_key, wrapped_key=wrapped["CiphertextBlob"])
        outcome = item.insert(DataKeyItem.key_id.does_not_exist())
        if isinstance(outcome, Refused) and outcome.found:
            return outcome.found  # somebody else was first: nothing is sealed for ours
        return item


class Opener:
    """Decrypts. Needs kms:Decrypt and dynamodb:GetItem on data_keys; only functions/sync has them."""

    def __init__(self, session: AwsSession, kms_key_id: str) -> None:
        self._session = session
        self._kms_key_id = kms_key_id
        self._keys = session.table(DataKeyItem)
        self._unwrapped: dict[str, X25519PrivateKey] = {}  # at most one per shard and generation

    def open(self, owner: Owner, sealed: Sealed) -> Mapping[str, str]:
        """Decrypt the credentials of an owner. Raises VaultError if they are another's or damaged."""
        private_key = self._private_key(sealed.key_id)
        try:
            text = _SUITE.decrypt(sealed.ciphertext, private_key, info=owner.binding)
        except InvalidTag:
            raise VaultError(f"the credentials of {owner.connection_id} were not sealed for it") from None
        opened: Mapping[str, str] = json.loads(text)
        return opened

    def _private_key(self, key_id: str) -> X25519PrivateKey:
        if key_id not in self._unwrapped:
            item = self._keys.find(key_id)
            if item is None:
                raise VaultError(f"data key {key_id} is gone")
            answer = self._session.client("kms").decrypt(
                KeyId=self._kms_key_id,
                CiphertextBlob=item.wrapped_key,
                EncryptionContext=_wrapping_context(key_id, item.public_key),
            )
            self._unwrapped[key_id] = X25519PrivateKey.from_private_bytes(answer["Plaintext"])
        return self._unwrapped[key_id]


def shard_key(connection_id: str, generation: int = FIRST_GENERATION) -> str:
    """The key of a connection's shard: the generation, and one of 256 in hex."""
    return f"{generation}-{hashlib.sha256(connection_id.encode()).digest()[0]:02x}"


def _wrapping_context(key_id: str, public_key: bytes) -> dict[str, str]:
    """What KMS binds a wrapped key to: a key under another name, or beside another public key, is not unwrapped."""
    return {"brokersync:key_id": key_id, "brokersync:public_key": public_key.hex()}
