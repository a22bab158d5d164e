"""A seeded trader on one account of the Alpaca simulator, and what the broker books by itself at the end of a day."""

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_UP, Decimal
from typing import Final

from local.simulators.alpaca_book import ZERO, Activity, Book
from local.simulators.alpaca_market import CENT, PAIRS, SHARES, Asset, option
from local.simulators.alpaca_time import NEW_YORK, in_new_york, new_york_day

_REGULATORY: Final = Decimal("0.0000278")
_COIN_FEE: Final = Decimal("0.0025")
_COIN_DIGITS: Final = Decimal("0.000000001")
_POSTED: Final = time(2, 30)  # in New York, on the day after


class Trader:
    """Does one thing at a time; `act` says how many executions it made. The same seed does the same things."""

    def __init__(self, book: Book, rng: random.Random) -> None:
        self._book = book
        self._rng = rng
        self._closed = new_york_day(book.created) - timedelta(days=1)  # the last day that was posted
        self._habits: Sequence[tuple[int, Callable[[datetime, int], int]]] = (
            (34, self._buy_shares),
            (24, self._sell_shares),
            (6, self._sell_short),
            (6, self._cover),
            (12, self._trade_coins),
            (8, self._open_option),
            (3, self._close_option),
            (2, self._exercise),
            (2, self._fund),
            (2, self._dividend),
            (1, self._interest),
            (1, self._misc),
            (1, self._correct),
        )

    def act(self, at: datetime, most: int) -> int:
        """Do something, making at most `most` executions (at least 1); returns how many it made."""
        self.advance(at)
        self._book.market.step(self._rng)
        if at.astimezone(NEW_YORK).weekday() >= 5:  # coins trade all week
            return self._trade_coins(at, most)
        weights = [weight for weight, _ in self._habits]
        (_, habit) = self._rng.choices(self._habits, weights)[0]
        return habit(at, most)

    def trade(self, at: datetime) -> int:
        """Buy shares in one fill; returns 1."""
        self.advance(at)
        self._book.market.step(self._rng)
        return self._buy_shares(at, 1)

    def exercise(self, at: datetime) -> Activity:
        """Buy a call and exercise it at once; returns the exercise."""
        self.advance(at)
        call = self._option_on(SHARES[0], new_york_day(at) + timedelta(days=30), "C")
        self.order(at - timedelta(minutes=1), call, "buy", (Decimal(2),))
        return self._end_option(at, call, Decimal(1), reason="exercise", kind="OPXRC")

    def cancel_exercise(self, exercise: Activity) -> None:
        """Take an exercise back, and the shares that it delivered."""
        delivery = self._book.activities[self._book.activities.index(exercise) + 1]
        self._book.cancel(exercise)
        self._book.cancel(delivery)

    def advance(self, at: datetime) -> None:
        """Post what is due for the days before: fees, and the options that ended."""
        while (posted := in_new_york(self._closed + timedelta(days=2), _POSTED)) <= at:
            self._closed += timedelta(days=1)
            self._end_options(self._closed, posted)
            self._post_fees(self._closed, posted)

    def order(
        self,
        at: datetime,
        asset: Asset,
        side: str,
        parts: Sequence[Decimal],
        *,
        equal_times: bool = False,
        created: datetime | None = None,
    ) -> list[Activity]:
        """An order that fills in parts within one millisecond, which are told in no order (unless `equal_times`)."""
        order_id, price = self._book.new_uuid(), self._book.market.price(asset)
        start = at.replace(microsecond=at.microsecond // 1000 * 1000)
        # Ids of one millisecond sort by their second halves: falling, so that later parts come first.
        uniques = sorted((self._book.new_uuid() for _ in parts), reverse=True)
        done, total = ZERO, sum(parts, ZERO)
        made = []
        for number, (quantity, unique) in enumerate(zip(parts, uniques, strict=True)):
            done += quantity
            moment = start if equal_times else start + timedelta(microseconds=7 * number)
            made.append(
                self._book.fill(
                    moment,
                    asset,
                    side=side,
                    quantity=quantity,
                    price=price,
                    order_id=order_id,
                    cumulated=done,
                    leaves=total - done,
                    created=created,
                    unique=unique,
                )
            )
        return made

    # --- habits -----------------------------------------------------------------------------------------------------

    def _buy_shares(self, at: datetime, most: int) -> int:
        free = [share for share in SHARES if self._book.held(share.symbol) >= 0]
        return self._fill(at, self._rng.choice(free or SHARES), "buy", self._parts(most))

    def _sell_shares(self, at: datetime, most: int) -> int:
        held = [share for share in SHARES if self._book.held(share.symbol) > 1]
        if not held:
            return self._buy_shares(at, most)
        share = self._rng.choice(held)
        units = self._book.held(share.symbol)
        part = units if self._rng.random() < 0.4 else (units * self._rng.randint(1, 9) / 10).quantize(_COIN_DIGITS)
        return self._fill(at, share, "sell", self._divided(part, most))

    def _sell_short(self, at: datetime, most: int) -> int:
        flat = [share for share in SHARES if self._book.held(share.symbol) <= 0]
        return self._fill(at, flat[-1], "sell_short", self._parts(most)) if flat else self._sell_shares(at, most)

    def _cover(self, at: datetime, most: int) -> int:
        short = [share for share in SHARES if self._book.held(share.symbol) < 0]
        if not short:
            return self._buy_shares(at, most)
        return self._fill(at, short[0], "buy", self._divided(-self._book.held(short[0].symbol), most))

    def _trade_coins(self, at: datetime, most: int) -> int:
        pair = self._rng.choice(PAIRS)
        held = self._book.held(pair.symbol)
        if held > 0 and self._rng.random() < 0.4:
            return self._fill(at, pair, "sell", self._divided((held * Decimal("0.6")).quantize(_COIN_DIGITS), most))
        value = Decimal(self._rng.randint(2_000, 900_000)) / 100
        units = (value / self._book.market.price(pair)).quantize(_COIN_DIGITS)
        return self._fill(at, pair, "buy", self._divided(units, most))

    def _open_option(self, at: datetime, most: int) -> int:
        expiry = new_york_day(at) + timedelta(days=self._rng.randint(0, 12))
        chosen = self._option_on(self._rng.choice(SHARES[:2]), expiry, self._rng.choice("CP"))
        if self._book.held(chosen.symbol):
            return self._close_option(at, most)
        side = self._rng.choice(("buy", "buy", "sell"))
        return self._fill(at, chosen, side, (Decimal(self._rng.randint(1, 4)),))

    def _close_option(self, at: datetime, most: int) -> int:
        held = [(asset, units.units) for asset, units in self._book.positions() if asset.kind == "option"]
        if not held:
            return self._buy_shares(at, most)
        chosen, units = held[0]
        return self._fill(at, chosen, "sell" if units > 0 else "buy", (abs(units),))

    def _exercise(self, at: datetime, most: int) -> int:
        held = [(asset, units.units) for asset, units in self._book.positions() if asset.kind == "option"]
        long = [(asset, units) for asset, units in held if units > 0]
        if not long or most < 2:
            return self._buy_shares(at, most)
        chosen, units = long[0]
        self._end_option(at, chosen, units, reason="exercise", kind="OPEXC")
        return 2

    def _fund(self, at: datetime, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        amount = Decimal(self._rng.randint(10_000, 900_000)) / 100
        kind, ledger_kind, signed = self._rng.choice(
            (("CSD", "deposit", amount), ("CSW", "withdrawal", -amount), ("JNLC", "transfer", amount))
        )
        self._book.money(kind, new_york_day(at), at, signed, ledger_kind=ledger_kind)
        return 0

    def _dividend(self, at: datetime, most: int) -> int:
        held = [share for share in SHARES if self._book.held(share.symbol) > 0]
        if not held:
            return self._buy_shares(at, most)
        share, per_share = self._rng.choice(held), Decimal(self._rng.randint(5, 90)) / 100
        units = self._book.held(share.symbol)
        amount = (units * per_share).quantize(CENT)
        day = new_york_day(at)
        fields = {"symbol": share.symbol, "qty": format(units, "f"), "per_share_amount": format(per_share, "f")}
        self._book.money("DIV", day, at, amount, ledger_kind="dividend", **fields)
        withheld = (amount * Decimal("0.3")).quantize(CENT)
        self._book.money("DIVNRA", day, at, -withheld, ledger_kind="tax", symbol=share.symbol)
        return 0

    def _interest(self, at: datetime, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        amount = Decimal(self._rng.randint(-900, 400)) / 100
        self._book.money("INT", new_york_day(at), at, amount, ledger_kind="interest", description="Monthly interest")
        return 0

    def _misc(self, at: datetime, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        """Shares that arrive by themselves, or a type of activity that nobody has heard of."""
        day = new_york_day(at)
        if self._rng.random() < 0.5:
            share, units = self._rng.choice(SHARES), Decimal(self._rng.randint(1, 20))
            self._book.shares_in(self._rng.choice(("ACATS", "JNLS", "SSP")), day, at, share, units)
        else:
            self._book.money("XYZ", day, at, Decimal("-1.25"), ledger_kind="other", description="New at Alpaca")
        return 0

    def _correct(self, at: datetime, most: int) -> int:  # noqa: ARG002 (every habit takes the limit)
        """A deposit that was booked wrongly: canceled, and booked again under another id."""
        day = new_york_day(at)
        wrong = self._book.money("CSD", day, at, Decimal(1_000), ledger_kind="deposit")
        self.correct(wrong, at, Decimal(100))
        return 0

    def correct(self, wrong: Activity, at: datetime, amount: Decimal) -> Activity:
        """Cancel a deposit and book the right amount in its place."""
        self._book.cancel(wrong)
        return self._book.money("CSD", new_york_day(at), at, amount, ledger_kind="deposit", status="correct")

    # --- the end of a day -------------------------------------------------------------------------------------------

    def _post_fees(self, day: date, posted: datetime) -> None:
        fills = self._book.fills_of(day)
        sold = sum((one.paid for one in fills if one.paid > 0 and one.asset and one.asset.kind != "crypto"), ZERO)
        if sold:
            fee = (sold * _REGULATORY).quantize(CENT, ROUND_UP)
            said = f"REG fee for proceed of ${sold.quantize(CENT)} on {day} by {self._book.number}"
            self._book.money("FEE", day, posted, -fee, ledger_kind="fee", description=said)
        for one in fills:
            if one.asset is None or one.asset.kind != "crypto":
                continue
            if one.moved > 0:
                fee = (one.moved * _COIN_FEE).quantize(_COIN_DIGITS)
                if fee:
                    self._book.coin_fee(day, posted, one.asset, fee)
            else:
                fee = (one.paid * _COIN_FEE).quantize(CENT, ROUND_UP)
                fields = {"symbol": one.asset.symbol, "description": "Coin Pair Transaction Fee (USD)"}
                self._book.money("CFEE", day, posted, -fee, ledger_kind="fee", **fields)

    def _end_options(self, day: date, posted: datetime) -> None:
        for asset, holding in list(self._book.positions()):
            if asset.expiry is None or asset.expiry > day:
                continue
            if not self._book.market.worth_at_expiry(asset):
                self._end(day, posted, asset, holding.units, reason="expiry", kind="OPEXP")
            elif holding.units > 0:
                self._end_option(posted, asset, holding.units, reason="exercise", kind="OPXRC", day=day)
            else:
                self._end_option(posted, asset, holding.units, reason="assignment", kind="OPASN", day=day)

    def _end_option(
        self, at: datetime, asset: Asset, units: Decimal, *, reason: str, kind: str, day: date | None = None
    ) -> Activity:
        """End an option and deliver its shares at the strike: a call brings them to the one who is long."""
        day = day or new_york_day(at)
        ended = self._end(day, at, asset, units, reason=reason, kind=kind)
        share = next(share for share in SHARES if share.symbol == asset.underlying)
        shares = units * asset.multiplier * (1 if asset.right == "C" else -1)
        self._book.option_event("OPTRD", day, at, share, shares, reason="option_delivery", price=asset.strike)
        return ended

    def _end(self, day: date, at: datetime, asset: Asset, units: Decimal, *, reason: str, kind: str) -> Activity:
        return self._book.option_event(kind, day, at, asset, -units, reason=reason, price=ZERO)

    # --- choices ----------------------------------------------------------------------------------------------------

    def _fill(self, at: datetime, asset: Asset, side: str, parts: Sequence[Decimal]) -> int:
        equal = self._rng.random() < 0.2 and len(set(parts)) == 1
        return len(self.order(at, asset, side, parts, equal_times=equal))

    def _option_on(self, share: Asset, expiry: date, right: str) -> Asset:
        price = self._book.market.price(share)
        strike = (price * Decimal(self._rng.randint(94, 106)) / 100).quantize(Decimal(1))
        return option(share.symbol, expiry, right, strike)

    def _parts(self, most: int) -> list[Decimal]:
        count = min(most, self._rng.choice((1, 1, 1, 2, 3, 4)))
        if self._rng.random() < 0.3:
            return [Decimal(self._rng.randint(1, 50))] * count  # alike in everything but their ids
        if self._rng.random() < 0.3:
            return [Decimal(self._rng.randint(1, 10**10)).scaleb(-9)]
        return [Decimal(self._rng.randint(1, 50)) for _ in range(count)]

    def _divided(self, units: Decimal, most: int) -> list[Decimal]:
        """Units in one or two parts."""
        first = (units / 3).quantize(_COIN_DIGITS)
        return [first, units - first] if most > 1 and first and self._rng.random() < 0.4 else [units]
