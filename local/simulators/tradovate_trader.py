"""A trader at the Tradovate simulator: what happens on an account, by chance that a seed decides."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from local.simulators.tradovate_book import Book
from local.simulators.tradovate_market import CONTRACTS, Contract
from local.simulators.tradovate_rows import Fill
from local.simulators.tradovate_time import session_start

_MILLISECOND = timedelta(milliseconds=1)


class Trader:
    """Trades one account."""

    def __init__(self, book: Book, rng: random.Random) -> None:
        self._book, self._rng = book, rng
        self._contracts = [one for one in CONTRACTS.values() if one.product.currency == book.currency]

    def live(self, start: datetime, end: datetime, executions: int) -> None:
        """A past between two instants: a deposit, so many executions, and cash of other kinds."""
        self._book.move_cash("FundTransaction", Decimal(50_000), start, "initial deposit")
        if not executions:
            return
        width = (end - start) // (executions + 2)
        others = {executions // 3: ("MarketDataSubscription", "-12.35"), executions // 2: ("FundTransaction", "-250.5")}
        made = 0
        while made < executions:
            at = start + width * (made + 1)
            fresh = len(self._order(at, self._choice(), most=executions - made))
            for number in range(made, made + fresh):
                if number in others:
                    kind, amount = others[number]
                    self._book.move_cash(kind, Decimal(amount), at)
            made += fresh

    def act(self, at: datetime) -> Sequence[Fill]:
        """Fill one order, in one to three parts."""
        return self._order(at, self._choice(), most=3)

    def flatten(self, at: datetime) -> None:
        """Close what is open."""
        for position in self._book.positions.values():
            if position.net:
                contract = CONTRACTS[position.contract]
                order = self._book.order(contract, "Sell" if position.net > 0 else "Buy", at)
                self._book.fill(order, abs(position.net), self._book.market.price(contract), at)

    def equal(self, at: datetime, times: int) -> Sequence[Fill]:
        """An order that is filled in parts alike in everything, in one millisecond."""
        contract = self._contracts[0]
        order = self._book.order(contract, self._opening(contract), at)
        price = self._book.market.price(contract)
        return [self._book.fill(order, 1, price, at) for _ in range(times)]

    def out_of_order(self, at: datetime) -> Sequence[Fill]:
        """An order whose parts are booked in the reverse of the order in which they happened."""
        contract = self._contracts[0]
        order = self._book.order(contract, self._opening(contract), at)
        price = self._book.market.price(contract)
        return [self._book.fill(order, 1, price, at - part * _MILLISECOND, told=at) for part in range(4)]

    def late(self, at: datetime) -> Fill:
        """A fill that happened a little before the newest one that is known, and is booked now."""
        newest = max((fill.at for fill in self._book.fills.values()), default=at)
        contract = self._contracts[0]
        order = self._book.order(contract, self._opening(contract), at)
        return self._book.fill(order, 1, self._book.market.price(contract), newest - _MILLISECOND, told=at)

    def carried(self, at: datetime) -> Fill:
        """An order that was placed in a former session is filled now, and stays out of the list of orders."""
        contract = self._contracts[0]
        order = self._book.order(contract, self._opening(contract), session_start(at) - timedelta(hours=3))
        placed = order.told
        made = self._book.fill(order, 1, self._book.market.price(contract), at)
        order.told = placed
        return made

    def correct(self, at: datetime) -> Fill:
        """Another price for a fill of which all is open; one is made where there is none of this session."""
        began = session_start(at)
        lots = (lot for position in self._book.positions.values() for lot in position.lots)
        whole = [lot.fill for lot in lots if lot.left == lot.fill.signed and lot.fill.told >= began]
        fill = whole[-1] if whole else self.equal(at, 1)[0]
        self._book.correct(fill, fill.price + CONTRACTS[fill.contract].product.tick)
        return fill

    # --- choices ----------------------------------------------------------------------------------------------------

    def _order(self, at: datetime, contract: Contract, most: int) -> Sequence[Fill]:
        net = self._net(contract)
        closing = bool(net) and (abs(net) > 6 or self._rng.random() < 0.5)
        action = ("Sell" if net > 0 else "Buy") if closing else self._opening(contract)
        order = self._book.order(contract, action, at)
        made = []
        for _ in range(min(most, self._rng.choice((1, 1, 1, 2, 3)))):
            # A little more than what is open turns the position: one fill closes and opens.
            qty = self._rng.randint(1, 4)
            ticks = self._rng.randint(-8, 8)
            price = self._book.market.price(contract) + ticks * contract.product.tick
            made.append(self._book.fill(order, qty, max(price, contract.product.tick), at))
        return made

    def _choice(self) -> Contract:
        return self._rng.choice(self._contracts)

    def _opening(self, contract: Contract) -> str:
        """The side that closes nothing."""
        net = self._net(contract)
        return self._rng.choice(("Buy", "Sell")) if not net else ("Buy" if net > 0 else "Sell")

    def _net(self, contract: Contract) -> int:
        position = self._book.positions.get(contract.id)
        return position.net if position else 0
