"""New keys for all credentials, while everything goes on: old keys open what is not moved yet."""

from collections.abc import Iterator
from dataclasses import dataclass

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.base import Written, all_of
from brokersync.aws.tables.connections import ConnectionItem
from brokersync.aws.vault import Opener, Owner, Sealed, Sealer
from brokersync.ports.storage import ConflictError

TRIES = 5  # how often a row is read again because a worker or its trader changed it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """The generation that everything is under now, and how many connections had to be moved to it."""

    generation: int
    moved: int


class KeyRotation:
    """Moves connections to a new generation of keys. It opens credentials, so it takes an operator's rights."""

    def __init__(self, session: AwsSession, kms_key_id: str) -> None:
        self._items = session.table(ConnectionItem)
        self._opener = Opener(session, kms_key_id)
        self._sealer = Sealer(session, kms_key_id)

    def run(self) -> Rotated:
        """Begin the next generation and move everything to it; one that was interrupted is gone on with instead.

        Raises ConflictError when another rotation has begun, or a row never holds still.
        """
        generation = self._sealer.generation()
        if not any(self._behind(generation)):
            generation += 1
            self._sealer.begin_generation(generation)
        moved = 0
        for item in self._behind(generation):
            self._move(item, generation)
            moved += 1
        return Rotated(generation=generation, moved=moved)

    def _behind(self, generation: int) -> Iterator[ConnectionItem]:
        return (item for item in self._items.scan() if _is_behind(item, generation))

    def _move(self, item: ConnectionItem, generation: int) -> None:
        """Re-seal a row under its own version, unless it has changed meanwhile: then the new one is looked at."""
        found: ConnectionItem | None = item
        for _ in range(TRIES):
            if found is None or not _is_behind(found, generation):
                return
            actions, conditions = self._credentials_of(found)
            if found.session and found.session_key_id:
                more_actions, more_conditions = self._session_of(found)
                actions, conditions = [*actions, *more_actions], [*conditions, *more_conditions]
            result = self._items.change(found.connection_id, actions=actions, condition=all_of(*conditions))
            if isinstance(result, Written):
                return
            found = result.found
        raise ConflictError(f"{item.connection_id} changed {TRIES} times while its keys were rotated")

    def _credentials_of(self, item: ConnectionItem) -> tuple[list[Action], list[Condition]]:
        sealed = self._again(_owner(item), Sealed(key_id=item.key_id, ciphertext=item.credentials))
        return [ConnectionItem.credentials.set(sealed.ciphertext), ConnectionItem.key_id.set(sealed.key_id)], [
            ConnectionItem.version == item.version,
            ConnectionItem.credentials == item.credentials,
        ]

    def _session_of(self, item: ConnectionItem) -> tuple[list[Action], list[Condition]]:
        sealed = self._again(_owner(item, session=True), Sealed(key_id=item.session_key_id, ciphertext=item.session))
        return [ConnectionItem.session.set(sealed.ciphertext), ConnectionItem.session_key_id.set(sealed.key_id)], [
            ConnectionItem.session_version == item.session_version
        ]

    def _again(self, owner: Owner, sealed: Sealed) -> Sealed:
        return self._sealer.seal(owner, self._opener.open(owner, sealed))


def _owner(item: ConnectionItem, *, session: bool = False) -> Owner:
    return Owner(user_id=item.user_id, connection_id=item.connection_id, version=item.version, session=session)


def _is_behind(item: ConnectionItem, generation: int) -> bool:
    """Whether something of the row is sealed under an older key; a removed connection has nothing that is."""
    present = f"{generation}-"
    return any(key_id and not key_id.startswith(present) for key_id in (item.key_id, item.session_key_id))
