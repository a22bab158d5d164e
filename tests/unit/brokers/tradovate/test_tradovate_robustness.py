"""Whatever Tradovate answers is read, reported row by row, or refused as a whole: nothing breaks."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokersync.brokers.tradovate.manifest import MANIFEST
from brokersync.brokers.tradovate.provider import provider
from brokersync.domain.errors import BrokerChangedError, SyncError
from tests.unit.brokers.tradovate.rows import ACCOUNT, FIXTURES, LOOKED_UP, account, fill, page

FIELDS = sorted(
    {name for rows in json.loads((FIXTURES / "user_sync.json").read_text()).values() for row in rows for name in row}
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["Buy", "Sell", "2026-03-10T14:30:00.412Z", "2026-13-45", "1e400", "TradePaired", ACCOUNT]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
ROWS = st.lists(st.one_of(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=12), VALUES), max_size=4)
SECTIONS = [*MANIFEST.uncited, "fills", "cash_log"]


@settings(max_examples=300)
@given(section=st.sampled_from(SECTIONS), rows=ROWS)
def test_rows_of_any_kind_are_read_reported_or_refused(section: str, rows: object) -> None:
    # given a list with rows of anything
    pages = [page(name, usual) for name, usual in LOOKED_UP.items() if name != section]
    # when it is read with the usual others
    try:
        said = provider.normalise([*pages, page(section, rows), page("fills", [fill()])], ())
    except SyncError:
        return  # refused as a whole, and by a name
    # then what is understood has an account and exact numbers
    for one in said.executions:
        assert one.broker_account_id
        assert one.quantity > 0
        assert one.price.is_finite()


@settings(max_examples=200)
@given(body=st.one_of(st.binary(max_size=200), ROWS.map(lambda rows: json.dumps(rows).encode())))
def test_a_saved_file_of_any_kind_is_recognised_or_refused(body: bytes) -> None:
    # given a file of anything, it is read, or refused by one of our errors and no other
    with suppress(SyncError):
        provider.normalise([provider.read_saved("a file", body)], ())


def test_an_account_that_cant_be_read_stops_everything() -> None:
    # given a list of accounts with one that has no id
    broken = page("accounts", [account(), {"name": "without an id", "clearingHouseId": 2}])
    # then nothing of it is believed, as nobody can say whose the rest is
    with pytest.raises(BrokerChangedError) as refused:
        provider.normalise([broken], ())
    assert "row 2" in refused.value.detail
