"""The books of one account: orders, fills, what they cost, pairs first in first out, positions, cash and its log."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Final

from local.simulators.tradovate_market import CONTRACTS, Contract, Market
from local.simulators.tradovate_rows import ZERO, CashChange, Fill, Lot, Order, Pair, Position
from local.simulators.tradovate_time import to_ms
from local.simulators.tradovate_truth import Truth

# Per contract and fill; the ledger's names and Tradovate's.
_COSTS: Final = (
    ("clearing", "ClearingFee", Decimal("0.19")),
    ("exchange", "ExchangeFee", Decimal("1.38")),
    ("nfa", "NfaFee", Decimal("0.02")),
    ("commission", "Commission", Decimal("0.79")),
)
# Changes of cash without a trade, and what each is in a ledger.
CASH_KINDS: Final = {
    "FundTransaction": "deposit",
    "MarketDataSubscription": "fee",
    "DeskFee": "fee",
    "ManualAdjustment": "adjustment",
    "PROMO": "other",
}


class Book:
    """One account's books. Ids come from `ids`, which all accounts share, as at the broker."""

    def __init__(self, account: int, ids: "count[int]", market: Market, currency: int) -> None:
        self.account, self.market, self.currency = account, market, currency
        self.truth = Truth(account)
        self.orders: dict[int, Order] = {}
        self.fills: dict[int, Fill] = {}
        self.pairs: list[Pair] = []
        self.positions: dict[int, Position] = {}
        self.cash: dict[int, Decimal] = {}
        self.log: list[CashChange] = []
        self._ids = ids

    def order(self, contract: Contract, action: str, at: datetime) -> Order:
        """A new order that is going to be filled."""
        made = Order(id=next(self._ids), contract=contract.id, action=action, at=to_ms(at), told=at)
        self.orders[made.id] = made
        return made

    def fill(self, order: Order, qty: int, price: Decimal, at: datetime, *, told: datetime | None = None) -> Fill:
        """Fill an order: book its costs, close what it closes, and open the rest. `told`: where it is booked late."""
        contract = CONTRACTS[order.contract]
        made = Fill(
            id=next(self._ids),
            order=order.id,
            contract=contract.id,
            signed=qty if order.action == "Buy" else -qty,
            price=price,
            at=to_ms(at),
            told=told or at,
        )
        self.fills[made.id] = made
        order.told = made.told
        position = self.positions.get(contract.id)
        if position is None:
            position = Position(id=next(self._ids), contract=contract.id, touched=made.at)
            self.positions[contract.id] = position
        made.costs = {name: cost * qty for name, _, cost in _COSTS}
        self.truth.filled(
            fill_id=made.id,
            contract=contract,
            signed=made.signed,
            price=price,
            at=made.at,
            order_id=order.id,
            position_id=position.id,
            fees=made.costs,
        )
        for name, kind, _ in _COSTS:
            self._book(kind, -made.costs[name], made.told, contract.product.currency, fill=made.id)
        self._match(position, made)
        return made

    def move_cash(self, kind: str, amount: Decimal, at: datetime, comment: str = "") -> CashChange:
        """Cash without a trade."""
        change = self._book(kind, amount, at, self.currency, comment=comment)
        means = "withdrawal" if kind == "FundTransaction" and amount < 0 else CASH_KINDS[kind]
        self.truth.moved_cash(log_id=change.id, kind=means, amount=amount, at=change.at, currency=self.currency)
        return change

    def bust(self, fill: Fill, at: datetime) -> None:
        """Take the newest fill of a contract back: its pairs are undone, and what they closed is open again."""
        fill.active = False
        position = self.positions[fill.contract]
        position.lots = deque(lot for lot in position.lots if lot.fill is not fill)
        for pair in reversed([one for one in self.pairs if one.closed is fill and one.active]):
            pair.active = False
            self._book("CancelledPairedTrade", -pair.profit, at, self._currency_of(fill), pair=pair.id)
            self._reopen(position, pair)
        self.truth.realised(fill.id, None)
        self.truth.busted(fill.id)

    def correct(self, fill: Fill, price: Decimal) -> None:
        """Give a fill that is still open another price."""
        fill.price = price
        self.truth.repriced(fill.id, price)

    def charge_late(self, fill: Fill, amount: Decimal, at: datetime) -> None:
        """Tell a cost of a fill that wasn't told with it."""
        fill.costs["order_routing"] = amount
        currency = self._currency_of(fill)
        self._book("OrderRoutingFee", -amount, at, currency, fill=fill.id)
        self.truth.charged(fill.id, "order_routing", amount, self.truth.executions[str(fill.id)].currency)

    def open_profit(self, currency: int) -> Decimal:
        """What the open positions in this currency would bring at the market's prices."""
        return sum((self._profit(lot) for lot in self._open_lots(currency)), ZERO)

    def margin(self, currency: int) -> Decimal:
        """What the open positions in this currency bind."""
        nets = ((CONTRACTS[one.contract].product, abs(one.net)) for one in self.positions.values())
        return sum((product.margin * net for product, net in nets if product.currency == currency), ZERO)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _match(self, position: Position, fill: Fill) -> None:
        left = fill.signed
        realised: Decimal | None = None
        while left and position.lots and (position.lots[0].left > 0) != (left > 0):
            lot = position.lots[0]
            qty = min(abs(left), abs(lot.left))
            realised = (realised or ZERO) + self._pair(position, lot.fill, fill, qty)
            step = qty if left > 0 else -qty
            left -= step
            lot.left += step
            if not lot.left:
                position.lots.popleft()
        if left:
            position.lots.append(Lot(fill=fill, left=left))
        position.touched = fill.told
        if realised is not None:
            self.truth.closed(fill.id, abs(fill.signed - left))
            self.truth.realised(fill.id, realised)

    def _pair(self, position: Position, opened: Fill, closed: Fill, qty: int) -> Decimal:
        product = CONTRACTS[closed.contract].product
        direction = 1 if opened.signed > 0 else -1
        profit = (closed.price - opened.price) * qty * direction * product.value_per_point
        made = Pair(
            id=next(self._ids),
            position=position.id,
            opened=opened,
            closed=closed,
            qty=qty,
            profit=profit,
            told=closed.told,
        )
        self.pairs.append(made)
        self._book("TradePaired", profit, closed.told, product.currency, pair=made.id)
        return profit

    def _reopen(self, position: Position, pair: Pair) -> None:
        back = pair.qty if pair.opened.signed > 0 else -pair.qty
        if position.lots and position.lots[0].fill is pair.opened:
            position.lots[0].left += back
        else:
            position.lots.appendleft(Lot(fill=pair.opened, left=back))

    def _book(
        self,
        kind: str,
        delta: Decimal,
        at: datetime,
        currency: int,
        *,
        fill: int | None = None,
        pair: int | None = None,
        comment: str = "",
    ) -> CashChange:
        self.cash[currency] = self.cash.get(currency, ZERO) + delta
        change = CashChange(
            id=next(self._ids),
            at=to_ms(at),
            kind=kind,
            delta=delta,
            amount=self.cash[currency],
            currency=currency,
            fill=fill,
            pair=pair,
            comment=comment,
        )
        self.log.append(change)
        return change

    def _currency_of(self, fill: Fill) -> int:
        return CONTRACTS[fill.contract].product.currency

    def _open_lots(self, currency: int) -> Iterator[Lot]:
        for position in self.positions.values():
            if CONTRACTS[position.contract].product.currency == currency:
                yield from position.lots

    def _profit(self, lot: Lot) -> Decimal:
        contract = CONTRACTS[lot.fill.contract]
        return (self.market.price(contract) - lot.fill.price) * lot.left * contract.product.value_per_point
