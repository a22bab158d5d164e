"""Entries that come under other ids are recognised one to one, or a person is asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.bridge import Proven, bridge, under_known_ids
from brokersync.domain.errors import NEXT_STEPS, ErrorCode, NeedsReviewError
from brokersync.domain.times import BrokerTime, to_ns
from brokersync.domain.trades import (
    AssetClass,
    CashEvent,
    CashKind,
    Execution,
    LedgerEntry,
    Origin,
    Side,
    StoredEntry,
    content_hash,
)

START = datetime(2026, 5, 1, tzinfo=UTC)
WHOLE = Proven(START, START + timedelta(days=30))
UNPROVEN = Proven(None, None)


def at(day: int) -> BrokerTime:
    moment = START + timedelta(days=day)
    return BrokerTime(ns=to_ns(moment), raw=moment.isoformat(), zone="UTC")


def trade(source_id: str, *, day: int = 3, quantity: int = 10, **changes: object) -> Execution:
    made = Execution(
        broker_account_id="1",
        source_trade_id=source_id,
        symbol="AAPL",
        asset_class=AssetClass.STOCK,
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal("190.05"),
        currency="USD",
        executed_at=at(day),
    )
    return replace(made, **changes)


def cash(source_id: str, *, day: int = 3, amount: int = 5) -> CashEvent:
    return CashEvent(
        broker_account_id="1",
        source_id=source_id,
        kind=CashKind.DIVIDEND,
        amount=Decimal(amount),
        currency="USD",
        occurred_at=at(day),
    )


def stored(entry: LedgerEntry, *aliases: str) -> StoredEntry:
    origin = Origin(run_id="run", snapshot_key="key")
    return StoredEntry(account_id="acc", entry=entry, content_hash=content_hash(entry), origin=origin, aliases=aliases)


def under(entry: LedgerEntry, source_id: str) -> LedgerEntry:
    if isinstance(entry, Execution):
        return replace(entry, source_trade_id=source_id)
    return replace(entry, source_id=source_id)


def refusal(held: Sequence[StoredEntry], served: Sequence[LedgerEntry], proven: Proven = WHOLE) -> NeedsReviewError:
    with pytest.raises(NeedsReviewError) as refused:
        bridge(held, served, proven)
    assert refused.value.code is ErrorCode.HISTORY_CHANGED
    assert NEXT_STEPS[refused.value.code]
    return refused.value


# Few values, so that equal entries are the rule.
_CONTENTS = st.builds(
    lambda kind, day, amount: trade("", day=day, quantity=amount) if kind else cash("", day=day, amount=amount),
    st.booleans(),
    st.integers(0, 3),
    st.integers(1, 3),
)
_BOOKS = st.lists(_CONTENTS, max_size=25)


def named(contents: Sequence[LedgerEntry], prefix: str) -> list[LedgerEntry]:
    return [under(entry, f"{prefix}{number}") for number, entry in enumerate(contents)]


def contents(entries: Sequence[LedgerEntry]) -> Counter[str]:
    return Counter(content_hash(under(entry, "")) for entry in entries)


@given(_BOOKS, st.randoms())
def test_i2_a_book_that_comes_under_new_ids_is_the_book_that_is_held(book: list[LedgerEntry], chance) -> None:
    # given a book that is held, and the same one served in any order under other ids
    held = [stored(entry) for entry in named(book, "old")]
    served = named(book, "new")
    chance.shuffle(served)
    # when it is bridged
    bridged = bridge(held, served, WHOLE)
    # then each entry comes out under a held id with its own content, and each id once
    assert {(type(one), content_hash(one)) for one in bridged.entries} == {
        (type(one.entry), one.content_hash) for one in held
    }
    assert len(bridged.entries) == len(held) == len(bridged.renamed)
    # and each new id is an alias of one entry
    assert sorted(alias for one in bridged.renamed for alias in one.aliases) == sorted(one.source_id for one in served)
    # and when it comes so again, nothing is left to do
    again = bridge(bridged.renamed, served, WHOLE)
    assert (list(again.entries), again.renamed) == (list(bridged.entries), [])


@given(_BOOKS, _BOOKS, st.randoms())
def test_i2_what_is_new_stays_new_where_its_content_is_not_held(
    book: list[LedgerEntry], more: list[LedgerEntry], chance
) -> None:
    # given a held book, served under new ids with entries of other contents among it
    held = [stored(entry) for entry in named(book, "old")]
    known = contents(book)
    fresh = named([one for one in more if content_hash(under(one, "")) not in known], "fresh")
    served = [*named(book, "new"), *fresh]
    chance.shuffle(served)
    # when it is bridged
    bridged = bridge(held, served, WHOLE)
    # then the new ones come out as they are, and all others under held ids
    assert [one for one in bridged.entries if one.source_id.startswith("fresh")] == [
        one for one in served if one.source_id.startswith("fresh")
    ]
    assert Counter(one.source_id for one in bridged.entries if not one.source_id.startswith("fresh")) == Counter(
        one.entry.source_id for one in held
    )


@given(_BOOKS, _BOOKS)
def test_i2_nothing_is_lost_or_doubled_whatever_is_served(book: list[LedgerEntry], more: list[LedgerEntry]) -> None:
    # given any two books
    held, served = [stored(entry) for entry in named(book, "old")], named(more, "new")
    # when one is served where the other is held
    try:
        bridged = bridge(held, served, WHOLE)
    except NeedsReviewError:
        # then it is refused because some content is there another number of times
        ours, theirs = contents(book), contents(more)
        assert any(theirs[content] != count for content, count in ours.items())
        return
    # or every entry comes out once with its content, and everything held has its match
    assert contents(bridged.entries) == contents(more)
    assert len({(type(one), one.source_id) for one in bridged.entries}) == len(more)
    assert all(contents(more)[content] == count for content, count in contents(book).items())


@given(_BOOKS)
def test_i2_known_ids_are_left_alone(book: list[LedgerEntry]) -> None:
    # given a broker that serves what it served before, under the same ids
    entries = named(book, "id")
    # when it is bridged
    bridged = bridge([stored(entry) for entry in entries], entries, WHOLE)
    # then nothing changes
    assert (list(bridged.entries), bridged.renamed) == (entries, [])


_STEPS = st.lists(st.one_of(st.just("ids"), st.just("fee"), st.lists(_CONTENTS, min_size=1, max_size=4)), max_size=12)


@given(_STEPS, st.randoms())
def test_i2_a_ledger_follows_a_book_whose_ids_change_again_and_again(steps: list, chance) -> None:
    # given a broker that now and then tells new entries, changes a fee, or gives all that it has new ids
    told: dict[str, LedgerEntry] = {}
    ledger: dict[tuple[type, str], StoredEntry] = {}
    for number, step in enumerate(steps):
        match step:
            case "ids":
                told = {f"{number}.{at}": entry for at, entry in enumerate(told.values())}
            case "fee":
                fee = {"fee": Decimal(number)}
                changed = next((name for name, entry in told.items() if isinstance(entry, Execution)), None)
                if changed is not None:
                    told[changed] = replace(told[changed], fees=fee)
            case _:
                told |= {f"{number}.new.{at}": entry for at, entry in enumerate(step)}
        # when all of it is served, in any order, and stored as the bridge says
        served = [under(entry, name) for name, entry in told.items()]
        chance.shuffle(served)
        bridged = bridge(sorted(ledger.values(), key=lambda one: one.entry.occurred_at.ns), served, WHOLE)
        ledger |= {(type(one.entry), one.entry.source_id): one for one in bridged.renamed}
        for entry in bridged.entries:
            known = ledger.get((type(entry), entry.source_id))
            aliases = known.aliases if known else ()
            ledger[type(entry), entry.source_id] = stored(entry, *aliases)
        # then the ledger holds what the book does: nothing twice, nothing missing
        assert contents([one.entry for one in ledger.values()]) == contents(list(told.values()))


def test_i9_a_change_under_a_later_id_is_a_change_of_the_held_entry() -> None:
    # given an entry that has come under another id before
    held = [stored(trade("old"), "new")]
    # when that id says something else now
    bridged = bridge(held, [trade("new", quantity=11)], WHOLE)
    # then it is the held entry's new content
    assert list(bridged.entries) == [trade("old", quantity=11)]
    assert bridged.renamed == []


def test_i2_an_equal_fill_after_a_change_of_ids_is_new() -> None:
    # given an entry that has come under another id before
    held = [stored(trade("old"), "new")]
    # when an equal one is served beside it
    bridged = bridge(held, [trade("new"), trade("newer")], WHOLE)
    # then it is another trade
    assert list(bridged.entries) == [trade("old"), trade("newer")]


def test_i9_a_detail_that_changed_with_the_id_goes_to_the_right_one_of_equal_entries() -> None:
    # given two equal fills that differ in their fee
    cheap, dear = trade("a", fees={"fee": Decimal(1)}), trade("b", fees={"fee": Decimal(2)})
    # when they come under new ids, and one of them with another fee
    served = [trade("y", fees={"fee": Decimal(3)}), trade("x", fees={"fee": Decimal(2)})]
    bridged = bridge([stored(cheap), stored(dear)], served, WHOLE)
    # then the one that is the same keeps its id, and the other one is changed
    assert list(bridged.entries) == [trade("a", fees={"fee": Decimal(3)}), dear]


def test_different_counts_are_refused_with_what_they_are() -> None:
    # given two equal trades, of which the broker tells three under new ids
    held = [stored(trade("a")), stored(trade("b"))]
    # when they are bridged, then it is refused in words that a trader can check
    told = refusal(held, [trade("x"), trade("y"), trade("z")])
    assert told.safe_message == (
        "The broker tells 3 times what it told twice before: buy 10 AAPL at 190.05 on 2026-05-04. Nothing was changed."
    )
    assert "a, b" in told.detail


def test_a_trade_that_is_gone_is_refused_where_the_answer_is_complete() -> None:
    # given a trade that the broker doesn't tell any more
    held = [stored(cash("a")), stored(trade("b", day=40))]
    # when the answer is known to be complete at its time, then a person has to look
    assert "not at all what it told once before: dividend of 5 USD on 2026-05-04" in refusal(held, []).safe_message
    # and outside of that time, or where nothing is proven, it may be missing
    assert bridge([held[1]], [], WHOLE).entries == []
    assert bridge(held, [], UNPROVEN).entries == []


def test_what_the_trader_has_accepted_is_bridged_as_far_as_it_goes() -> None:
    # given two equal trades and another one, of which the broker tells three and none
    held = [stored(trade("a")), stored(trade("b")), stored(trade("c", day=5))]
    served = [trade("x"), trade("y"), trade("z")]
    assert refusal(held, served)
    # when the trader has accepted what the broker tells of those days
    accepted = Proven(WHOLE.start, WHOLE.end, accepted_through=at(5).utc)
    # then what can be matched is the same, what is more is new, and what is gone stays
    assert list(bridge(held, served, accepted).entries) == [trade("a"), trade("b"), trade("z")]
    assert list(bridge(held, [trade("x")], accepted).entries) == [trade("a")]
    # and later days are looked at as before
    earlier = Proven(WHOLE.start, WHOLE.end, accepted_through=at(4).utc)
    assert "not at all" in refusal(held, served, earlier).safe_message


def test_another_account_of_the_feed_is_not_missed() -> None:
    # given a trade, and an answer that is about another account
    held = [stored(trade("a"))]
    # when it is bridged, then nothing is missed
    assert bridge(held, [], Proven(WHOLE.start, WHOLE.end, "2")).entries == []
    assert refusal(held, [], Proven(WHOLE.start, WHOLE.end, "1"))


def test_i2_a_part_of_an_answer_is_only_told_by_ids() -> None:
    # given two equal trades, one of which has another id by now
    held = [stored(trade("a"), "x"), stored(trade("b"))]
    # when a part of an answer is read that has one of them, and an equal one that nobody knows
    served = [trade("x"), trade("n")]
    # then that one is new: the other may be in the rest of the answer
    assert under_known_ids(held, served) == [trade("a"), trade("n")]


def test_a_cancelled_trade_may_be_gone() -> None:
    # given a trade that was cancelled
    held = [replace(stored(trade("a")), cancelled_by="c")]
    # when the broker doesn't tell it any more, then nothing is wrong
    assert bridge(held, [], WHOLE).entries == []


def test_one_trade_under_its_old_and_its_new_id_is_refused() -> None:
    # given an entry with a later id
    held = [stored(trade("old"), "new")]
    # when both ids are served, then nobody knows which it is
    assert "twice what it told once before" in refusal(held, [trade("old"), trade("new")]).safe_message


def test_a_trade_and_a_cash_event_may_have_the_same_id() -> None:
    # given both kinds under one id, of which one has come under another
    held = [stored(trade("7")), stored(cash("7"))]
    # when they are served
    bridged = bridge(held, [trade("8"), cash("7")], WHOLE)
    # then only that one is renamed
    assert list(bridged.entries) == [trade("7"), cash("7")]
    assert [one.aliases for one in bridged.renamed] == [("8",)]
