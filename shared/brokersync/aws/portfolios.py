"""Balance and positions per account (ports.Portfolios, ports.PortfoliosReader)."""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from pynamodb.attributes import UnicodeAttribute

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.attributes import RecordAttribute, becomes
from brokersync.aws.tables.base import Written, all_of, any_of
from brokersync.aws.tables.portfolios import PortfolioItem
from brokersync.domain.portfolio import Balance, PositionsSection
from brokersync.ports.reading import CurrentPortfolio, DayEnd
from brokersync.ports.storage import ConflictError

TRIES = 3
DAYS_READ = 7  # rows among which the newest of each section is sought: one of them may lag behind the other

Section = TypeVar("Section", Balance, PositionsSection)


class DynamoPortfolios:
    """Portfolios in DynamoDB: a row per day of a section's as-of time."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(PortfolioItem)

    def put_balance(self, account_id: str, balance: Balance, run_id: str) -> bool:
        """Store a balance section unless a newer one is there; whether it was stored."""
        return self._put(PortfolioItem.balance, PortfolioItem.balance_run_id, account_id, balance, run_id)

    def put_positions(self, account_id: str, positions: PositionsSection, run_id: str) -> bool:
        """Store a positions section unless a newer one is there; whether it was stored."""
        return self._put(PortfolioItem.positions, PortfolioItem.positions_run_id, account_id, positions, run_id)

    def _put(
        self,
        section: RecordAttribute[Section | None],
        section_run_id: UnicodeAttribute,
        account_id: str,
        value: Section,
        run_id: str,
    ) -> bool:
        day = value.as_of.utc.date().isoformat()
        # A statement has the same time for a whole day: of two of them, the one of the later run is the newer one.
        not_newer = any_of(
            section.does_not_exist(),
            section["as_of"]["ns"] < value.as_of.ns,
            all_of(section["as_of"]["ns"] == value.as_of.ns, section_run_id <= run_id),
        )
        for _ in range(TRIES):
            result = self._items.change(
                account_id,
                day,
                actions=[becomes(section, value), section_run_id.set(run_id)],
                condition=all_of(PortfolioItem.account_id.exists(), not_newer),
            )
            if isinstance(result, Written):
                return True
            if result.found is not None:
                return False
            self._start_day(account_id, day)
        raise ConflictError(f"{account_id} has no row of {day} after {TRIES} tries to make one")

    def _start_day(self, account_id: str, day: str) -> None:
        """Make the row of a day with what was current before it, so that the newest row alone tells the whole."""
        earlier = self._items.query(
            account_id, PortfolioItem.day < day, scan_index_forward=False, limit=1, consistent_read=True
        )
        last = next(iter(earlier), None)
        row = self._items(account_id, day)
        if last is not None:
            row.balance, row.balance_run_id = last.balance, last.balance_run_id
            row.positions, row.positions_run_id = last.positions, last.positions_run_id
        row.insert(PortfolioItem.account_id.does_not_exist())

    def current(self, account_id: str) -> CurrentPortfolio:
        """The newest balance and the newest positions, though they may be in rows of different days."""
        rows = list(self._items.query(account_id, scan_index_forward=False, limit=DAYS_READ, consistent_read=True))
        balances = [row.balance for row in rows if row.balance is not None]
        positions = [row.positions for row in rows if row.positions is not None]
        return CurrentPortfolio(
            balance=max(balances, key=lambda balance: balance.as_of.ns, default=None),
            positions=max(positions, key=lambda section: section.as_of.ns, default=None),
        )

    def days(self, account_id: str, first: date, last: date) -> Sequence[DayEnd]:
        """The days from `first` through `last` on which a balance was stored, oldest first."""
        rows = self._items.query(account_id, PortfolioItem.day.between(first.isoformat(), last.isoformat()))
        # A row begins with what was current before it: such a balance is the end of an earlier day.
        return [
            DayEnd(day=date.fromisoformat(row.day), balance=row.balance)
            for row in rows
            if row.balance is not None and row.balance.as_of.utc.date().isoformat() == row.day
        ]
