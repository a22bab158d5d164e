"""Executions and cash events as the ledger keeps them: append-only, identified by the broker's own ids, versioned."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from enum import StrEnum

from brokersync.domain.money import plain
from brokersync.domain.times import BrokerTime

# Prefix of every content hash. Raise it when the fields below change: a hash of another scheme says nothing about
# the content, so such a row counts as known instead of as corrected.
HASH_SCHEME = "1"


class AssetClass(StrEnum):
    """What was traded."""

    FOREX = "forex"
    STOCK = "stock"
    OPTION = "option"
    FUTURE = "future"
    FUTURE_OPTION = "future_option"
    CFD = "cfd"
    CRYPTO = "crypto"
    FUND = "fund"
    BOND = "bond"
    WARRANT = "warrant"
    OTHER = "other"


class Side(StrEnum):
    """Direction of an execution or a position."""

    BUY = "buy"
    SELL = "sell"


class Effect(StrEnum):
    """What an execution did to a position, where the broker says so."""

    OPEN = "open"
    CLOSE = "close"
    CLOSE_AND_OPEN = "close_and_open"


class ExecutionKind(StrEnum):
    """`cancel` rows undo an earlier execution: opposite side, same quantity; summing all rows gives the net."""

    TRADE = "trade"
    CANCEL = "cancel"


class CashKind(StrEnum):
    """Why cash moved without a trade."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    FINANCING = "financing"
    INTEREST = "interest"
    DIVIDEND = "dividend"
    FEE = "fee"
    TAX = "tax"
    ADJUSTMENT = "adjustment"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One fill (or one leg of it) as the broker reports it.

    `quantity` is positive, `side` gives the direction. `fees` are by kind, positive = cost, in `fee_currency`.
    `realised_pnl` is only what the broker says, before or after the fees as the broker's page tells, in `pnl_currency`
    (None: in `currency`; empty: the broker's answer alone doesn't say). `trade_ref` is the broker's trade number where
    that is not the unique id (IBKR tradeID). `contract` holds what identifies a derivative (conid, isin, underlying,
    expiry, strike, put_call) as text.
    """

    broker_account_id: str
    source_trade_id: str
    symbol: str
    asset_class: AssetClass
    side: Side
    quantity: Decimal
    price: Decimal
    currency: str
    executed_at: BrokerTime
    kind: ExecutionKind = ExecutionKind.TRADE
    multiplier: Decimal = Decimal(1)
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    fee_currency: str = ""
    realised_pnl: Decimal | None = None
    pnl_currency: str | None = None
    effect: Effect | None = None
    order_id: str = ""
    position_id: str = ""
    trade_ref: str = ""
    cancels_trade_id: str = ""
    cancels_trade_ref: str = ""
    reason: str = ""
    contract: Mapping[str, str] = field(default_factory=dict)

    @property
    def source_id(self) -> str:
        """The id that is unique within the account."""
        return self.source_trade_id

    @property
    def occurred_at(self) -> BrokerTime:
        """When it took effect."""
        return self.executed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class CashEvent:
    """Cash that moved without a trade. `amount` is signed: positive = into the account."""

    broker_account_id: str
    source_id: str
    kind: CashKind
    amount: Decimal
    currency: str
    occurred_at: BrokerTime
    symbol: str = ""
    position_id: str = ""
    description: str = ""


LedgerEntry = Execution | CashEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an entry came from: the run, the snapshot object, and the position of the page in the run."""

    run_id: str
    snapshot_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry with what the ledger knows about it. Version 1 is the first; `cancelled_by` is a cancel row's id.

    `aliases` are the ids that a broker which changes them has given the entry since (domain/bridge.py).
    """

    account_id: str
    entry: LedgerEntry
    content_hash: str
    origin: Origin
    version: int = 1
    version_reason: str = ""
    cancelled_by: str = ""
    aliases: tuple[str, ...] = ()


_CONTENT = {kind: tuple(spec.name for spec in fields(kind)) for kind in (Execution, CashEvent)}


def content_hash(entry: LedgerEntry) -> str:
    """Hash of what the broker said, equal for equal contents whatever the number's zeros: `1:` and 16 hex digits."""
    digest = hashlib.sha256()
    for part in _parts(entry):
        digest.update(part.encode())
        digest.update(b"\x1f")
    return f"{HASH_SCHEME}:{digest.hexdigest()[:16]}"


def _parts(entry: LedgerEntry) -> Iterator[str]:
    yield type(entry).__name__
    for name in _CONTENT[type(entry)]:
        value = getattr(entry, name)
        match value:
            case str():
                yield value
            case BrokerTime():
                yield str(value.ns)
            case Decimal():
                yield plain(value)
            case Mapping():
                for key in sorted(value):
                    item = value[key]
                    yield f"{key}={plain(item) if isinstance(item, Decimal) else item}"
            case _:
                yield str(value)


def time_key(entry: LedgerEntry) -> str:
    """Unique within the account, and sorts as text by time: 20 digits of nanoseconds, `#`, the broker's id."""
    return f"{entry.occurred_at.sort_key}#{entry.source_id}"


class Change(StrEnum):
    """What an incoming entry means for the one that is stored under its id."""

    NONE = "none"
    CORRECTION = "correction"


class VersionReason(StrEnum):
    """Why an entry has another version: the broker changed it, undid it, or we read its answer better by now.

    `rebook` is the reason of a first version: it takes the place of a trade that was cancelled.
    """

    CORRECTION = "correction"
    REBOOK = "rebook"
    CANCEL = "cancel"
    BUST = "bust"
    REREAD = "reread"


def compare(stored_hash: str, incoming_hash: str) -> Change:
    """Decide whether an incoming entry corrects the stored one (I9) or only repeats it (I2)."""
    if stored_hash == incoming_hash or stored_hash.partition(":")[0] != incoming_hash.partition(":")[0]:
        return Change.NONE
    return Change.CORRECTION


def corrected(
    stored: StoredEntry, incoming: LedgerEntry, origin: Origin, reason: VersionReason = VersionReason.CORRECTION
) -> StoredEntry:
    """The next version of an entry whose content changed. A cancel mark stays."""
    return replace(
        stored,
        entry=incoming,
        content_hash=content_hash(incoming),
        origin=origin,
        version=stored.version + 1,
        version_reason=reason.value,
    )


def cancelled(stored: StoredEntry, cancel: Execution, origin: Origin) -> StoredEntry:
    """The next version of an execution that was undone: same content, marked with the cancel row's id.

    It is a bust where the cancel row's `reason` says so (the exchange's doing, not the broker's).
    """
    reason = VersionReason.BUST if cancel.reason == VersionReason.BUST else VersionReason.CANCEL
    return replace(
        stored,
        origin=origin,
        version=stored.version + 1,
        version_reason=reason.value,
        cancelled_by=cancel.source_trade_id,
    )


def undoes(cancel: Execution, entry: LedgerEntry) -> bool:
    """Whether a cancel row takes back this execution, by what it says: the same quantity on the other side."""
    return isinstance(entry, Execution) and entry.quantity == cancel.quantity and entry.side != cancel.side


def rebooked(entries: Sequence[LedgerEntry]) -> frozenset[tuple[str, str]]:
    """Which executions of an answer take the place of a cancelled one, as (broker account, id).

    A rebook has an id of its own and the broker's number of what it replaces; the cancel row between them names that.
    """
    executions = [entry for entry in entries if isinstance(entry, Execution)]
    cancels = [one for one in executions if one.kind is ExecutionKind.CANCEL and one.cancels_trade_ref]
    found: set[tuple[str, str]] = set()
    for cancel in cancels:
        same_number = [
            one
            for one in executions
            if one.kind is ExecutionKind.TRADE
            and one.trade_ref == cancel.cancels_trade_ref
            and one.broker_account_id == cancel.broker_account_id
        ]
        named = cancel.cancels_trade_id
        original = named or next((one.source_trade_id for one in same_number if undoes(cancel, one)), "")
        found.update(
            (one.broker_account_id, one.source_trade_id) for one in same_number if one.source_trade_id != original
        )
    return frozenset(found)
