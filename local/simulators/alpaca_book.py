"""One account of the Alpaca simulator: its activities as they are told, its cash, and what it holds."""

import random
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from local.simulators.alpaca_market import PAIRS, SHARES, Asset, Market
from local.simulators.alpaca_time import id_time, in_new_york, new_york_day, rfc3339
from local.simulators.alpaca_truth import Truth, text

ZERO: Final = Decimal(0)
OPTIONS_END: Final = time(17, 30)
"""In New York: what happens to options on a date has happened by then."""

Row = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Activity:
    """A row as it is told, when it was written down, and what it did to the account."""

    row: Row
    created: datetime
    happened: datetime
    asset: Asset | None = None
    moved: Decimal = ZERO  # of the asset
    paid: Decimal = ZERO  # into the account

    @property
    def id(self) -> str:
        """Its id, which begins with its time in New York."""
        return str(self.row["id"])


@dataclass(slots=True)
class Holding:
    """A position: signed units and what they cost on average."""

    units: Decimal = ZERO
    price: Decimal = ZERO

    def change(self, units: Decimal, price: Decimal) -> None:
        """Add units at a price; the average changes where the position grows or turns."""
        before, self.units = self.units, self.units + units
        if before * self.units <= 0:
            self.price = price
        elif abs(self.units) > abs(before):
            self.price = ((before * self.price + units * price) / self.units).quantize(Decimal("0.000000001"))


@dataclass(slots=True, kw_only=True)
class Book:
    """An account. `rng` makes the ids, so that the same seed makes the same ones."""

    number: str
    created: datetime
    rng: random.Random
    market: Market = field(default_factory=Market)
    cash: Decimal = ZERO
    holdings: dict[str, Holding] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=lambda: {asset.symbol: asset for asset in (*SHARES, *PAIRS)})
    activities: list[Activity] = field(default_factory=list)
    truth: Truth = field(init=False)
    alpaca_id: str = field(init=False)
    _fills: dict[date, list[Activity]] = field(default_factory=lambda: defaultdict(list), init=False)

    def __post_init__(self) -> None:
        self.truth = Truth(self.number)
        self.alpaca_id = self.new_uuid()

    def new_uuid(self) -> str:
        """A UUID of this account's own chance."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def held(self, symbol: str) -> Decimal:
        """How much is held, below 0 when short."""
        return self.holdings[symbol].units if symbol in self.holdings else ZERO

    # --- trades -----------------------------------------------------------------------------------------------------

    def fill(
        self,
        at: datetime,
        asset: Asset,
        *,
        side: str,
        quantity: Decimal,
        price: Decimal,
        order_id: str,
        cumulated: Decimal,
        leaves: Decimal = ZERO,
        created: datetime | None = None,
        unique: str = "",
    ) -> Activity:
        """One execution of an order. `created` is later than `at` where it was booked late."""
        signed = quantity if side == "buy" else -quantity
        row: Row = {
            "id": f"{id_time(at)}::{unique or self.new_uuid()}",
            "activity_type": "FILL",
            "transaction_time": rfc3339(at),
            "type": "partial_fill" if leaves else "fill",
            "price": text(price),
            "qty": text(quantity),
            "side": side,
            "symbol": asset.symbol,
            "leaves_qty": text(leaves),
            "order_id": order_id,
            "cum_qty": text(cumulated),
            "order_status": "partially_filled" if leaves else "filled",
        }
        done = self._book(
            Activity(
                row=row,
                created=created or at,
                happened=at,
                asset=asset,
                moved=signed,
                paid=-signed * price * asset.multiplier,
            ),
            price,
        )
        self._fills[new_york_day(at)].append(done)
        self.truth.execution(
            source_id=done.id,
            asset=asset,
            signed=signed,
            price=price,
            at=at,
            effect="open" if side == "sell_short" else None,
            order_id=order_id,
        )
        return done

    def option_event(
        self, kind: str, day: date, created: datetime, asset: Asset, signed: Decimal, *, reason: str, price: Decimal
    ) -> Activity:
        """A non-trade activity that trades: an option ends at the price 0, or shares are delivered at the strike."""
        paid = -signed * price * asset.multiplier
        row = self._non_trade(kind, day, net_amount=text(paid), symbol=asset.symbol, qty=text(signed))
        if price:
            row["price"] = text(price)
        row |= {"description": f"Option {reason}", "status": "executed", "created_at": rfc3339(created)}
        happened = min(created, in_new_york(day, OPTIONS_END))
        done = self._book(
            Activity(row=row, created=created, happened=happened, asset=asset, moved=signed, paid=paid), price
        )
        effect = "close" if asset.kind == "option" else None
        self.truth.execution(
            source_id=done.id, asset=asset, signed=signed, price=price, at=happened, effect=effect, reason=reason
        )
        return done

    # --- everything else --------------------------------------------------------------------------------------------

    def money(
        self, kind: str, day: date, created: datetime, amount: Decimal, *, ledger_kind: str, **fields: object
    ) -> Activity:
        """Cash that moves. `fields` go into the row as they are."""
        usual: Row = {"description": "", "status": "executed", "created_at": rfc3339(created)}
        row = self._non_trade(kind, day, net_amount=text(amount)) | usual | fields
        done = self._book(Activity(row=row, created=created, happened=_start(day), paid=amount), ZERO)
        symbol = str(fields.get("symbol", ""))
        self.truth.cash(source_id=done.id, kind=ledger_kind, amount=amount, at=_start(day), symbol=symbol)
        return done

    def coin_fee(self, day: date, created: datetime, pair: Asset, quantity: Decimal) -> Activity:
        """A fee for a bought coin, taken out of the coin."""
        price = self.market.price(pair)
        row = self._non_trade("CFEE", day, net_amount="0", symbol=pair.held_as, qty=text(-quantity), price=text(price))
        row |= {"description": "Coin Pair Transaction Fee (Non USD)", "status": "executed"}
        done = self._book(Activity(row=row, created=created, happened=_start(day), asset=pair, moved=-quantity), price)
        coin = pair.symbol.partition("/")[0]
        self.truth.cash(
            source_id=done.id, kind="fee", amount=-quantity, at=_start(day), currency=coin, symbol=pair.symbol
        )
        return done

    def shares_in(self, kind: str, day: date, created: datetime, share: Asset, units: Decimal) -> Activity:
        """Shares that arrive without cash: a transfer from another broker, a journal, a split."""
        ledger_kind = "adjustment" if kind == "SSP" else "transfer"
        row = self._non_trade(kind, day, net_amount="0", symbol=share.symbol, qty=text(units))
        row |= {"description": "", "status": "executed", "created_at": rfc3339(created)}
        done = self._book(
            Activity(row=row, created=created, happened=_start(day), asset=share, moved=units), self.market.price(share)
        )
        self.truth.cash(source_id=done.id, kind=ledger_kind, amount=ZERO, at=_start(day), symbol=share.symbol)
        return done

    def cancel(self, activity: Activity) -> None:
        """Take an activity back: it keeps its id and becomes `canceled`."""
        activity.row = activity.row | {"status": "canceled"}
        self.cash -= activity.paid
        if activity.asset is not None:
            self._hold(activity.asset, -activity.moved, self.market.price(activity.asset))
            self.truth.canceled_execution(activity.id)
        else:
            self.truth.canceled_cash(activity.id)

    # --- figures ----------------------------------------------------------------------------------------------------

    def positions(self) -> Sequence[tuple[Asset, Holding]]:
        """What is held."""
        return [(self.assets[symbol], holding) for symbol, holding in self.holdings.items() if holding.units]

    def market_value(self, asset: Asset, units: Decimal) -> Decimal:
        """What units of an asset are worth now."""
        return units * self.market.price(asset) * asset.multiplier

    def equity(self) -> Decimal:
        """Cash and what is held."""
        return self.cash + sum((self.market_value(asset, held.units) for asset, held in self.positions()), ZERO)

    def fills_of(self, day: date) -> Sequence[Activity]:
        """The fills of a day in New York."""
        return self._fills[day]

    def _non_trade(self, kind: str, day: date, **fields: object) -> Row:
        unique = f"{day:%Y%m%d}000000000::{self.new_uuid()}"
        return {"id": unique, "activity_type": kind, "date": day.isoformat(), **fields}

    def _book(self, activity: Activity, price: Decimal) -> Activity:
        self.activities.append(activity)
        self.cash += activity.paid
        if activity.asset is not None:
            self._hold(activity.asset, activity.moved, price)
        return activity

    def _hold(self, asset: Asset, units: Decimal, price: Decimal) -> None:
        self.assets[asset.symbol] = asset
        self.holdings.setdefault(asset.symbol, Holding()).change(units, price)


def _start(day: date) -> datetime:
    return in_new_york(day, time())
