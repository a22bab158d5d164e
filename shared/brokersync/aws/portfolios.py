"""Balance and positions per account (ports.Portfolios, ports.PortfoliosReader)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.attributes import RecordAttribute, becomes
from brokersync.aws.tables.base import Written, all_of, any_of
from brokersync.aws.tables.portfolios import PortfolioItem
from brokersync.domain.portfolio import Balance, PositionsSection
from brokersync.domain.times import BrokerTime
from brokersync.ports.reading import CurrentPortfolio, DayEnd
from brokersync.ports.storage import ConflictError

TRIES = 3
DAYS_READ = 7  # rows among which the newest of each section is sought: one of them may lag behind the other


@dataclass(frozen=True, slots=True)
class _Section:
    """A section of a day's row, and the action by which it becomes what was served as of a time."""

    attribute: RecordAttribute[Balance | None] | RecordAttribute[PositionsSection | None]
    of_run: UnicodeAttribute
    as_of: BrokerTime
    becomes_it: Action

    @property
    def day(self) -> str:
        return self.as_of.utc.date().isoformat()

    def not_newer(self, run_id: str) -> Condition:
        """A statement has the same time for a whole day: of two of them, the one of the later run is the newer one."""
        stored_ns = self.attribute["as_of"]["ns"]
        return any_of(
            self.attribute.does_not_exist(),
            stored_ns < self.as_of.ns,
            all_of(stored_ns == self.as_of.ns, self.of_run <= run_id),
        )

    def actions(self, run_id: str) -> list[Action]:
        return [self.becomes_it, self.of_run.set(run_id)]


class DynamoPortfolios:
    """Portfolios in DynamoDB: a row per day of a section's as-of time."""

    def __init__(self, session: AwsSession) -> None:
        self._items = session.table(PortfolioItem)

    def put(
        self, account_id: str, run_id: str, *, balance: Balance | None = None, positions: PositionsSection | None = None
    ) -> bool:
        """Store one section or both, each unless a newer one is there; whether all of it was stored.

        Both of one day are one update; where it is refused, a newer one of either is there, and each goes by itself.
        """
        sections: list[_Section] = []
        if balance is not None:
            becomes_it = becomes(PortfolioItem.balance, balance)
            sections.append(_Section(PortfolioItem.balance, PortfolioItem.balance_run_id, balance.as_of, becomes_it))
        if positions is not None:
            becomes_it = becomes(PortfolioItem.positions, positions)
            sections.append(
                _Section(PortfolioItem.positions, PortfolioItem.positions_run_id, positions.as_of, becomes_it)
            )
        if len({section.day for section in sections}) == 1 and self._put(account_id, sections, run_id):
            return True
        if len(sections) == 1:
            return False
        stored = [self._put(account_id, [section], run_id) for section in sections]
        return all(stored)

    def _put(self, account_id: str, sections: Sequence["_Section"], run_id: str) -> bool:
        day = sections[0].day
        for _ in range(TRIES):
            none_newer = all_of(*(section.not_newer(run_id) for section in sections))
            result = self._items.change(
                account_id,
                day,
                actions=[action for section in sections for action in section.actions(run_id)],
                condition=all_of(PortfolioItem.account_id.exists(), none_newer),
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
