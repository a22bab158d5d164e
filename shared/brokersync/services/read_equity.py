"""How an account's balance and equity went, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from brokersync.ports.reading import DayEnd, PortfoliosReader
from brokersync.services.own_accounts import OwnAccounts


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityCurve:
    """The days on which a balance was stored, oldest first, and the account's currency."""

    currency: str
    days: Sequence[DayEnd]


class ReadEquity:
    """Reads the last balance of each day (UTC)."""

    def __init__(self, own: OwnAccounts, portfolios: PortfoliosReader) -> None:
        self._own, self._portfolios = own, portfolios

    def run(self, user_id: str, account_id: str, first: date, last: date) -> EquityCurve:
        """The days from `first` through `last`. Raises AccountNotFoundError."""
        account = self._own.account(user_id, account_id)
        return EquityCurve(currency=account.currency, days=self._portfolios.days(account.account_id, first, last))
