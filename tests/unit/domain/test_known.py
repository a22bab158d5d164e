"""The filter of known trades: it may forget, it must never call a changed entry the same."""

from hypothesis import given
from hypothesis import strategies as st

from brokersync.domain.known import MAX_ENTRIES, Knowledge, KnownFilter

KEYS = st.text(min_size=1, max_size=12)
HASHES = st.integers(0, 2**64 - 1).map(lambda number: f"1:{number:016x}")
ENTRIES = st.lists(st.tuples(KEYS, HASHES), max_size=40)


@given(ENTRIES, KEYS, HASHES)
def test_i2_only_the_content_learned_last_is_the_same(entries: list[tuple[str, str]], key: str, content: str):
    # given a filter that learned some entries, some of them twice
    known = KnownFilter().adding(entries)
    # when it is asked about any entry
    status = known.status(key, content)
    # then it agrees with what was learned last
    learned = dict(entries).get(key)
    expected = Knowledge.UNKNOWN if learned is None else Knowledge.SAME if learned == content else Knowledge.CHANGED
    assert status is expected


@given(ENTRIES, ENTRIES)
def test_i2_a_filter_survives_storage_and_growth(first: list[tuple[str, str]], second: list[tuple[str, str]]):
    # given a filter that was stored between two runs
    stored = KnownFilter.from_bytes(KnownFilter().adding(first).to_bytes())
    # when the second run adds what it stored
    known = stored.adding(second)
    # then it knows what both learned, in 16 bytes per entry
    for key, content in (dict(first) | dict(second)).items():
        assert known.status(key, content) is Knowledge.SAME
    assert len(known.to_bytes()) == 1 + 16 * len(known)


def test_the_newest_two_thousand_stay():
    # given more entries than the filter holds, oldest first
    entries = [(f"acc/{number}", f"1:{number:016x}") for number in range(MAX_ENTRIES + 5)]
    known = KnownFilter().adding(entries[:1_000]).adding(entries[1_000:])
    # then the oldest are forgotten, which only costs writes
    assert len(known) == MAX_ENTRIES
    assert [known.status(*entry) for entry in entries[4:6]] == [Knowledge.UNKNOWN, Knowledge.SAME]


def test_a_filter_of_another_scheme_or_a_damaged_one_knows_nothing():
    # given what cannot be read as this scheme's filter
    packed = KnownFilter().adding([("acc/1", "1:00000000000000aa")]).to_bytes()
    for unreadable in (b"", b"2" + packed[1:], packed[:-1]):
        # then nothing is known, so everything goes to the ledger
        assert KnownFilter.from_bytes(unreadable).status("acc/1", "1:00000000000000aa") is Knowledge.UNKNOWN
