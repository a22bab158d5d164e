"""What an account holds now."""

from brokersync.ports.reading import CurrentPortfolio, PortfoliosReader
from brokersync.services.own_accounts import OwnAccounts


class ReadPortfolio:
    """Reads the newest balance and the newest positions of an account."""

    def __init__(self, own: OwnAccounts, portfolios: PortfoliosReader) -> None:
        self._own, self._portfolios = own, portfolios

    def run(self, user_id: str, account_id: str) -> CurrentPortfolio:
        """The sections as they were stored last, each with its own as-of time. Raises AccountNotFoundError."""
        return self._portfolios.current(self._own.account(user_id, account_id).account_id)
