"""I2, I9: what makes two entries the same, and what a version keeps."""

import itertools
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.times import from_rfc3339
from brokersync.domain.trades import (
    HASH_SCHEME,
    AssetClass,
    CashEvent,
    CashKind,
    Change,
    Execution,
    ExecutionKind,
    Origin,
    Side,
    StoredEntry,
    cancelled,
    compare,
    content_hash,
    corrected,
)

ORIGIN = Origin(run_id="run_1", snapshot_key="snapshots/1")
LATER = Origin(run_id="run_2", snapshot_key="snapshots/2")
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=0, max_value=10**12)


def an_execution(**changes: object) -> Execution:
    execution = Execution(
        broker_account_id="U1",
        source_trade_id="1001",
        symbol="EUR_USD",
        asset_class=AssetClass.FOREX,
        side=Side.BUY,
        quantity=Decimal(100),
        price=Decimal("1.0850"),
        currency="USD",
        executed_at=from_rfc3339("2026-11-19T10:00:00.123456789Z"),
        fees={"commission": Decimal("0.50")},
        fee_currency="USD",
    )
    return replace(execution, **changes)  # type: ignore[arg-type]


@given(price=amounts, quantity=amounts, fee=amounts, zeros=st.integers(min_value=0, max_value=5))
def test_i2_the_same_content_has_the_same_hash_whatever_the_brokers_zeros(
    price: Decimal, quantity: Decimal, fee: Decimal, zeros: int
) -> None:
    plain = an_execution(price=price, quantity=quantity, fees={"commission": fee})
    padded = an_execution(
        price=price.quantize(Decimal(1).scaleb(-6 - zeros)), quantity=quantity, fees={"commission": fee}
    )
    assert content_hash(plain) == content_hash(padded)


@given(st.sampled_from(["symbol", "quantity", "price", "order_id", "reason", "side", "executed_at", "fees", "kind"]))
def test_i9_a_change_of_any_field_is_a_correction(field: str) -> None:
    other = {
        "symbol": "USD_JPY",
        "quantity": Decimal(101),
        "price": Decimal("1.0851"),
        "order_id": "7",
        "reason": "LIMIT_ORDER",
        "side": Side.SELL,
        "executed_at": from_rfc3339("2026-11-19T10:00:00.123456788Z"),
        "fees": {"commission": Decimal("0.51")},
        "kind": ExecutionKind.CANCEL,
    }[field]
    changed = an_execution(**{field: other})
    assert compare(content_hash(an_execution()), content_hash(changed)) is Change.CORRECTION


def test_i2_a_hash_of_another_scheme_says_nothing_about_the_content() -> None:
    assert compare("0:0123456789abcdef", content_hash(an_execution())) is Change.NONE
    assert content_hash(an_execution()).startswith(f"{HASH_SCHEME}:")


def test_the_hash_tells_an_execution_from_a_cash_event() -> None:
    cash = CashEvent(
        broker_account_id="U1",
        source_id="1001",
        kind=CashKind.DEPOSIT,
        amount=Decimal(100),
        currency="USD",
        occurred_at=from_rfc3339("2026-11-19T10:00:00Z"),
    )
    assert content_hash(cash) != content_hash(an_execution())


def stored(execution: Execution) -> StoredEntry:
    return StoredEntry(account_id="acc_1", entry=execution, content_hash=content_hash(execution), origin=ORIGIN)


def test_i9_a_correction_is_the_next_version_with_the_new_content_and_its_origin() -> None:
    # Given a stored trade, When the broker serves it with another price
    following = corrected(stored(an_execution()), an_execution(price=Decimal("1.0900")), LATER)
    # Then the next version has the new content, says why it exists and where it came from
    assert (following.version, following.version_reason, following.origin) == (2, "correction", LATER)
    assert following.content_hash == content_hash(an_execution(price=Decimal("1.0900")))


def test_i9_a_cancel_keeps_the_content_and_survives_a_later_correction() -> None:
    # Given a trade that was cancelled
    cancel = an_execution(source_trade_id="1002", kind=ExecutionKind.CANCEL, side=Side.SELL, cancels_trade_id="1001")
    marked = cancelled(stored(an_execution()), cancel, LATER)
    assert (marked.version, marked.version_reason, marked.cancelled_by) == (2, "cancel", "1002")
    assert marked.entry == an_execution()
    # When its content is corrected afterwards, Then the mark stays
    assert corrected(marked, an_execution(price=Decimal(2)), LATER).cancelled_by == "1002"


@given(st.lists(st.sampled_from([Decimal("1.1"), Decimal("1.2"), Decimal("1.3")]), max_size=12))
def test_i9_versions_only_grow_and_each_differs_from_the_one_before(prices: list[Decimal]) -> None:
    # Given a trade whose price the broker serves differently again and again
    current, history = stored(an_execution()), []
    for price in prices:
        incoming = an_execution(price=price)
        if compare(current.content_hash, content_hash(incoming)) is Change.CORRECTION:
            history.append(current)
            current = corrected(current, incoming, LATER)
    # Then every version is numbered once, and no two neighbours are equal
    chain = [*history, current]
    assert [one.version for one in chain] == list(range(1, len(chain) + 1))
    assert all(a.content_hash != b.content_hash for a, b in itertools.pairwise(chain))
