"""What a trader with an account in the SnapTrade simulator does, by chance and habit."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from local.simulators.snaptrade_book import Book, Event
from local.simulators.snaptrade_market import CENT, COIN, SHARES, Security, call

_FEE: Final = Decimal("1.25")
_OPTION_LIVES: Final = timedelta(days=6)


class Trader:
    """Trades in one book. All chance comes from the book's seed."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._rng: random.Random = book.rng

    def begin(self, at: datetime) -> None:
        """Pay in."""
        self._book.move(at, "CONTRIBUTION", Decimal(250_000), entry_kind="deposit")

    def act(self, at: datetime) -> int:
        """Do one thing; returns how many executions came of it."""
        before = self._book.executions
        match self._rng.randrange(12):
            case 0:
                self._dividend(at)
            case 1:
                self._money(at)
            case 2:
                self._option(at)
            case 3:
                self._coin(at)
            case 4:
                self._odd(at)
            case _:
                self.buy_or_sell(at)
        self._expire(at)
        return self._book.executions - before

    def buy_or_sell(self, at: datetime, *, booked: datetime | None = None) -> Event:
        """Trade a share."""
        share = self._rng.choice(SHARES)
        held = self._book.held(share.symbol)
        units = Decimal(self._rng.choice((5, 10, 25)))
        if held >= units and self._rng.random() < 0.45:
            units = -units
        return self._book.trade(at, share, units, self._price(share), fee=self._fee(), booked=booked)

    def equal_fills(self, at: datetime, count: int) -> list[Event]:
        """Fills of one moment, alike in all but their ids and references."""
        share = SHARES[0]
        price = self._price(share)
        return [self._book.trade(at, share, Decimal(10), price) for _ in range(count)]

    def _price(self, security: Security) -> Decimal:
        return (self._book.market.price(security) * Decimal(self._rng.uniform(0.99, 1.01))).quantize(CENT)

    def _fee(self) -> Decimal:
        return _FEE if self._rng.random() < 0.5 else Decimal(0)

    def _dividend(self, at: datetime) -> None:
        held = [one for one, _ in self._book.positions() if one.asset_class in ("stock", "fund")]
        if not held:
            return
        share = self._rng.choice(held)
        paid = Decimal("1.5") + Decimal(self._rng.randrange(2_000)) / 100
        self._book.move(at, "DIVIDEND", paid, entry_kind="dividend", security=share)
        if self._rng.random() < 0.5:
            units = (paid / self._book.market.price(share)).quantize(Decimal("0.0001"))
            price = self._book.market.price(share)
            self._book.trade(at, share, units, price, kind="REI", reason="reinvestment")

    def _money(self, at: datetime) -> None:
        kind, amount, entry_kind = self._rng.choice(
            (
                ("CONTRIBUTION", Decimal(2_500), "deposit"),
                ("WITHDRAWAL", Decimal("-310.55"), "withdrawal"),
                ("INTEREST", Decimal("3.07"), "interest"),
                ("FEE", Decimal("-4.95"), "fee"),
                ("TAX", Decimal("-1.18"), "tax"),
                ("TRANSFER", Decimal("-75.5"), "transfer"),
                ("JRNLCASH", Decimal("12.34"), "other"),  # a broker's own word
            )
        )
        self._book.move(at, kind, amount, entry_kind=entry_kind)

    def _option(self, at: datetime) -> None:
        held = [(one, units.units) for one, units in self._book.positions() if one.expiry]
        if held and self._rng.random() < 0.5:
            option, contracts = held[0]
            price = self._price(option)
            self._book.trade(at, option, -contracts, price, fee=self._fee(), option_type="SELL_TO_CLOSE")
            return
        option = call("AAPL", (at + _OPTION_LIVES).date(), Decimal(self._rng.choice((190, 195, 200))))
        self._book.trade(at, option, Decimal(2), self._price(option), fee=self._fee(), option_type="BUY_TO_OPEN")

    def _expire(self, at: datetime) -> None:
        for option, held in self._book.positions():
            if option.expiry is not None and option.expiry < at.date():
                self._book.trade(at, option, -held.units, Decimal(0), kind="OPTIONEXPIRATION", reason="expiry")

    def _coin(self, at: datetime) -> None:
        held = self._book.held(COIN.symbol)
        units = -held if held else Decimal("0.015")
        self._book.trade(at, COIN, units, self._price(COIN))

    def _odd(self, at: datetime) -> None:
        """Units that come without cash."""
        self._book.move(
            at, "STOCK_DIVIDEND", Decimal(0), entry_kind="dividend", security=SHARES[2], units=Decimal("0.5")
        )
