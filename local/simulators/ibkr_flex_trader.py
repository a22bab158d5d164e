"""Who trades in the IBKR simulator: business day after business day, from a seed."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from local.simulators.ibkr_flex_book import ZERO, Book, Cash, Fill, Holding
from local.simulators.ibkr_flex_calendar import business_day_after
from local.simulators.ibkr_flex_market import FOREX, STOCKS, Contract, future, option, price_on

_EXPIRY_TIME: Final = time(16, 20)
_MICRO: Final = Decimal("0.0000001")
_TAXED: Final = {"SU": Decimal("0.003"), "VOD": Decimal("0.005")}  # financial transaction tax, stamp duty


class Numbers:
    """IBKR's counters: ids rise with every booking, of whichever account."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._transaction, self._trade, self._order = 10_600_000_000, 1_780_000_000, 720_000_000

    def transaction(self) -> int:
        """The next transactionID."""
        self._transaction += self._rng.randint(1, 9)
        return self._transaction

    def trade(self) -> int:
        """The next tradeID."""
        self._trade += self._rng.randint(1, 9)
        return self._trade

    def order(self) -> int:
        """The next order id."""
        self._order += self._rng.randint(1, 9)
        return self._order

    def execution(self) -> str:
        """A new execution id, in its first revision."""
        return f"{self._rng.randrange(16**8):08x}.{self._rng.randrange(16**8):08x}.01.01"


class Trader:
    """Lives through business days with one account, and books what comes of it."""

    def __init__(self, book: Book, numbers: Numbers, rng: random.Random) -> None:
        self._book = book
        self._numbers = numbers
        self._rng = rng
        self._held: dict[int, Holding] = {}
        self._to_correct: dict[date, list[Fill]] = {}

    def live(self, day: date, executions: int) -> None:
        """One business day with about so many executions."""
        if day.day <= 3 or not self._book.cash:
            self._pay(day, "Deposits/Withdrawals", Decimal(self._rng.randrange(2_000, 20_000)), "CASH RECEIPTS")
            self._pay(day, "Broker Interest Received", self._amount(5, 40), "USD CREDIT INT")
            self._pay(day, "Other Fees", -self._amount(1, 15), "SNAPSHOT MARKET DATA")
        self._correct(day)
        due = len(self._book.fills) + executions
        at = datetime.combine(day, time(3, 5))
        step = timedelta(hours=12) / max(executions, 1)
        while len(self._book.fills) < due:
            at = min(at + step * self._rng.uniform(0.2, 1.8), datetime.combine(day, time(15, 59)))
            self._act(at.replace(microsecond=0))
        self._dividend(day)
        self._expire(day)

    # --- trading ----------------------------------------------------------------------------------------------------

    def _act(self, at: datetime) -> None:
        kind = self._rng.choices(("stock", "option", "future", "forex"), weights=(55, 25, 12, 8))[0]
        match kind:
            case "stock":
                contract, size = self._rng.choice(STOCKS), self._rng.choice((1, 50, 100, 137))
            case "option":
                stock = self._rng.choice(STOCKS[:3])
                strike = stock.price.quantize(Decimal(5))
                contract, size = option(stock, at.date(), strike, self._rng.choice("CP")), self._rng.randint(1, 4)
            case "future":
                contract, size = future(at.date()), 1
            case _:
                contract, size = self._rng.choice(FOREX), self._rng.randrange(20_000, 60_000, 500)
        held = self._held.get(contract.conid)
        quantity = self._rng.choice((1, -1)) * size
        if held is not None and held.quantity and self._rng.random() < 0.6:
            quantity = -int(held.quantity) * self._rng.choice((1, 1, 2) if kind == "future" else (1,))
        self._order(contract, Decimal(quantity), at)

    def _order(self, contract: Contract, quantity: Decimal, at: datetime) -> None:
        """An order that is filled at once: whole, or in parts, which may be equal in all but their ids."""
        order = self._numbers.order()
        price = self._price(contract, at)
        parts = self._parts(quantity)
        for number, part in enumerate(parts):
            late = timedelta(seconds=0 if self._rng.random() < 0.7 else number)
            fill = self._fill(contract, part, price, at + late, order=order, partial=number < len(parts) - 1)
            if self._rng.random() < 0.02:
                self._to_correct.setdefault(self._later(at.date()), []).append(fill)

    def _parts(self, quantity: Decimal) -> list[Decimal]:
        if abs(quantity) < 2 or self._rng.random() < 0.6:
            return [quantity]
        half = (quantity / 2).to_integral_value(rounding="ROUND_DOWN")
        rest = quantity - 2 * half
        return [half, half, rest] if rest else [half, half]

    def _fill(
        self, contract: Contract, quantity: Decimal, price: Decimal, at: datetime, *, order: int, partial: bool
    ) -> Fill:
        commission = self._commission(contract, quantity)
        tax = ZERO
        if quantity > 0 and contract.symbol in _TAXED:
            tax = -(quantity * price * _TAXED[contract.symbol]).quantize(Decimal("0.01"))
        return self._book_fill(
            Fill(
                transaction_id=self._numbers.transaction(),
                trade_id=self._numbers.trade(),
                order_id=order,
                exec_id=self._numbers.execution(),
                contract=contract,
                at=at,
                booked=at.date(),
                quantity=quantity,
                price=price,
                effect="",
                codes=("P",) if partial else (),
                commission=commission,
                commission_currency=self._book.base if contract.category == "CASH" else contract.currency,
                tax=tax,
            )
        )

    def _book_fill(self, fill: Fill) -> Fill:
        """Book an execution, with what it does to the position."""
        if fill.contract.category != "CASH":
            held = self._held.setdefault(fill.contract.conid, Holding(fill.contract))
            effect = "" if fill.cancels else held.effect_of(fill.quantity)
            fill = replace(fill, effect=effect, pnl=held.take(fill))
        self._book.fills.append(fill)
        return fill

    def _commission(self, contract: Contract, quantity: Decimal) -> Decimal:
        """Negative: it costs. Now and then an exchange pays for liquidity."""
        if self._rng.random() < 0.06:
            return self._amount(0.01, 0.3).quantize(Decimal("0.0001"))
        each = {"STK": "0.0051", "OPT": "0.6533", "FUT": "2.37", "CASH": "0.00002"}[contract.category]
        exact = abs(quantity) * Decimal(each) * Decimal(str(round(self._rng.uniform(0.9, 1.1), 4)))
        return -max(exact, Decimal("0.35")).quantize(_MICRO)

    def _price(self, contract: Contract, at: datetime) -> Decimal:
        swing = Decimal(str(round(self._rng.uniform(0.995, 1.005), 5)))
        ticks = (price_on(contract, at.date()) * swing / contract.tick).to_integral_value()
        return max(ticks, Decimal(1)) * contract.tick

    # --- what comes later -------------------------------------------------------------------------------------------

    def _correct(self, day: date) -> None:
        """Cancel fills of earlier days and book them anew, under their old times: late news in old days."""
        for original in self._to_correct.pop(day, ()):
            cancel = replace(
                original,
                transaction_id=self._numbers.transaction(),
                trade_id=None,
                exec_id="",
                booked=day,
                quantity=-original.quantity,
                kind="TradeCancel",
                codes=("Ca",),
                commission=ZERO,
                tax=ZERO,
                cancels=original,
            )
            self._book_fill(cancel)
            less = original.quantity - (1 if original.quantity > 0 else -1)
            rebooked = replace(
                original,
                transaction_id=self._numbers.transaction(),
                exec_id=original.exec_id.removesuffix(".01") + ".02",
                booked=day,
                quantity=less if less and self._rng.random() < 0.5 else original.quantity,
                commission=self._amount(0.1, 0.5).quantize(Decimal("0.0001")),
            )
            self._book_fill(rebooked)

    def _expire(self, day: date) -> None:
        """Contracts at their end: futures settle; of the options most expire, some are exercised or assigned."""
        for held in list(self._held.values()):
            contract = held.contract
            if not held.quantity or not contract.expiry or contract.expiry > day:
                continue
            if contract.category == "FUT":
                self._book_trade(contract, -held.quantity, price_on(contract, day), day, "Ep")
                continue
            into_stock = self._rng.random() < 0.3
            code = ("Ex" if held.quantity > 0 else "A") if into_stock else "Ep"
            taken = held.quantity
            self._book_trade(contract, -taken, ZERO, day, code)
            if into_stock:
                stock = next(one for one in STOCKS if one.symbol == contract.underlying)
                shares = taken * contract.multiplier * (1 if contract.put_call == "C" else -1)
                self._book_trade(stock, shares, contract.strike or ZERO, day, code)

    def _book_trade(self, contract: Contract, quantity: Decimal, price: Decimal, day: date, code: str) -> None:
        own = self._numbers.transaction()
        self._book_fill(
            Fill(
                transaction_id=own,
                trade_id=self._numbers.trade(),
                order_id=own,
                exec_id="",
                contract=contract,
                at=datetime.combine(day, _EXPIRY_TIME),
                booked=day,
                quantity=quantity,
                price=price,
                effect="",
                kind="BookTrade",
                codes=(code,),
                commission_currency=contract.currency,
            )
        )

    def _later(self, day: date) -> date:
        for _ in range(self._rng.randint(1, 3)):
            day = business_day_after(day)
        return day

    # --- cash -------------------------------------------------------------------------------------------------------

    def _dividend(self, day: date) -> None:
        for held in self._stocks_held():
            if self._rng.random() < 0.02:
                gross = (held.quantity * Decimal("0.26")).quantize(Decimal("0.01"))
                name = f"{held.contract.symbol}({held.contract.isin}) CASH DIVIDEND 0.26 PER SHARE"
                self._pay(day, "Dividends", gross, name, held.contract)
                self._pay(day, "Withholding Tax", -gross * 15 / 100, f"{name} - TAX", held.contract)

    def _stocks_held(self) -> Iterator[Holding]:
        return (held for held in self._held.values() if held.contract.category == "STK" and held.quantity > 0)

    def _pay(self, day: date, kind: str, amount: Decimal, description: str, contract: Contract | None = None) -> None:
        self._book.cash.append(
            Cash(
                transaction_id=self._numbers.transaction(),
                kind=kind,
                amount=amount.quantize(Decimal("0.01")),
                currency=contract.currency if contract else self._book.base,
                at=datetime.combine(day, time(20, 20)),
                booked=day,
                description=description,
                contract=contract,
            )
        )

    def _amount(self, low: float, high: float) -> Decimal:
        return Decimal(str(round(self._rng.uniform(low, high), 4)))
