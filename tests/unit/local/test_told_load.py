"""How `brokersync status` tells of a history that is being loaded."""

from datetime import UTC, datetime

from brokersync.domain.loads import Load, LoadKind
from local.commands.report import told_load


def test_a_load_is_told_by_kind_day_chunks_and_trades() -> None:
    # given a backfill after two chunks, and one that has only begun
    begun = Load(kind=LoadKind.BACKFILL, job_id="job_1")
    further = begun.further(None, datetime(2024, 5, 1, tzinfo=UTC), 900).further(None, None, 34)
    # then each says how far it is; without a load nothing is said
    assert told_load(further) == "Loading history (backfill): until 2024-05-01, 2 chunks, 934 new trades"
    assert told_load(begun) == "Loading history (backfill): 0 chunks, 0 new trades"
    assert told_load(None) == ""
