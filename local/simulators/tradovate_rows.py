"""What an account's books are made of at the Tradovate simulator."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

ZERO: Final = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Order:
    """`told` is when it was last touched: in that session's list it is."""

    id: int
    contract: int
    action: str
    at: datetime
    told: datetime
    status: str = "Filled"


@dataclass(slots=True, kw_only=True)
class Fill:
    """`told` is when it was booked, `at` when it happened: late ones are told in a later session."""

    id: int
    order: int
    contract: int
    signed: int
    price: Decimal
    at: datetime
    told: datetime
    active: bool = True
    costs: dict[str, Decimal] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Pair:
    """Two fills that closed each other, `qty` of each."""

    id: int
    position: int
    opened: Fill
    closed: Fill
    qty: int
    profit: Decimal
    told: datetime
    active: bool = True

    @property
    def buy(self) -> Fill:
        """The fill that bought."""
        return self.opened if self.opened.signed > 0 else self.closed

    @property
    def sell(self) -> Fill:
        """The fill that sold."""
        return self.closed if self.opened.signed > 0 else self.opened


@dataclass(slots=True, kw_only=True)
class Lot:
    """What of a fill is open; `left` is signed."""

    fill: Fill
    left: int


@dataclass(slots=True, kw_only=True)
class Position:
    """One per contract that was ever traded; it stays when it is flat."""

    id: int
    contract: int
    touched: datetime
    lots: deque[Lot] = field(default_factory=deque)

    @property
    def net(self) -> int:
        """Signed."""
        return sum(lot.left for lot in self.lots)

    @property
    def price(self) -> Decimal | None:
        """What the open lots cost on average, to a millionth; None when flat."""
        if not self.net:
            return None
        total = sum((lot.fill.price * lot.left for lot in self.lots), ZERO)
        return (total / self.net).quantize(Decimal("0.000001"))


@dataclass(slots=True, kw_only=True)
class CashChange:
    """A line of the cash log; `amount` is what there is after it."""

    id: int
    at: datetime
    kind: str
    delta: Decimal
    amount: Decimal
    currency: int
    fill: int | None = None
    pair: int | None = None
    comment: str = ""
