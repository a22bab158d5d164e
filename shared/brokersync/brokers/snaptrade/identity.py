"""Which account it is, whichever connection shows it.

SnapTrade's own account ids belong to a connection: connected anew, the same account has another one. What stays is the
institution's id of it. So an account's number here is `INSTITUTION:id`, with the institution's own account id; where it
tells none, its account number; where that is masked, SnapTrade's id (then a new connection is a new account).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from brokersync.brokers.snaptrade.models import Account

_WHOLE_NUMBER = re.compile(r"[A-Za-z0-9-]{4,}")
_MASKED = re.compile(r"[xX]{2,}")


def numbers_of(account: Account, institution: str) -> Sequence[str]:
    """The numbers by which an account may be known, the one that lasts longest first."""
    own = account.institution_account_id.strip()
    number = account.number.strip()
    shown = number if _WHOLE_NUMBER.fullmatch(number) and not _MASKED.search(number) else ""
    return [f"{institution}:{name}" for name in (own, shown, account.id) if name]


def is_of(account: Account, number: str) -> bool:
    """Whether an answer about an account can be about the one of that number, as far as it says so itself."""
    institution, _, _ = number.partition(":")
    return number in numbers_of(account, institution)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The newest day of which an activity was served, and SnapTrade's id of the account at that time."""

    served: date | None = None
    account_id: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2026-05-11/917c8734-...`; either part may be empty."""
        served, _, account_id = text.partition("/")
        return cls(served=date.fromisoformat(served) if served else None, account_id=account_id)

    def __str__(self) -> str:
        """As the feed keeps it."""
        return f"{self.served.isoformat() if self.served else ''}/{self.account_id}"
