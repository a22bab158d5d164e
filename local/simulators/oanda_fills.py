"""Fills of the OANDA simulator: an order closes, reduces and opens Trades, leg by leg, and the book follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from local.simulators.oanda_book import ZERO, Book, Trade, money
from local.simulators.oanda_market import INSTRUMENTS
from local.simulators.oanda_truth import text

Part = tuple[Trade, Decimal]
"""A Trade and how many of its units to close (above 0)."""

_GUARANTEE = Decimal("0.0002")  # of the value, for a guaranteed stop loss


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leg:
    """What a fill does to one Trade. `units` carry the fill's sign."""

    kind: str
    trade: str
    units: Decimal
    realised: Decimal = ZERO
    financing: Decimal = ZERO
    fee: Decimal = ZERO


def fill(
    book: Book,
    ns: int,
    *,
    order: str,
    instrument: str,
    units: Decimal,
    reason: str,
    close: Sequence[Part] = (),
    guaranteed: bool = False,
) -> str:
    """Fill an order at the current price: close the given parts, open a new Trade with the rest.

    Returns the id of the ORDER_FILL, which is also the new Trade's.
    """
    price = book.market.fill_price(instrument, units)
    own = str(book.last_id + 1)
    legs = _legs(book, ns, own, instrument, units, price, close, guaranteed=guaranteed)
    commission = ZERO if book.old_style else book.commission(units, price, instrument)
    realised = sum((leg.realised for leg in legs), ZERO)
    financing = sum((leg.financing for leg in legs), ZERO)
    fee = sum((leg.fee for leg in legs), ZERO)
    book.totals.balance += realised + financing - commission - fee
    book.totals.pl += realised
    book.totals.financing += financing
    book.totals.commission += commission
    book.totals.guaranteed_fees += fee
    rate = text(book.market.rate(INSTRUMENTS[instrument].quote, book.currency))
    newer: dict[str, object] = {
        "requestedUnits": text(units),
        "fullVWAP": text(price),
        "commission": money(commission),
        "guaranteedExecutionFee": money(fee),
        "gainQuoteHomeConversionFactor": rate,
        "lossQuoteHomeConversionFactor": rate,
        "halfSpreadCost": money(book.home(INSTRUMENTS[instrument].half_spread * abs(units), instrument)),
    }
    fields = {
        "orderID": order,
        "instrument": instrument,
        "units": text(units),
        "price": text(price),
        "pl": money(realised),
        "financing": money(financing),
        **book.balance_field(),
        **({} if book.old_style else newer),
        "reason": reason,
        **_leg_fields(book, legs, price),
    }
    book.record("ORDER_FILL", ns, fields, batch=order)
    _apply(book, own, legs, instrument, price, ns)
    for leg in legs:
        book.truth.execution(
            transaction=own,
            trade=leg.trade,
            leg=leg.kind,
            order=order,
            symbol=instrument,
            units=leg.units,
            price=price,
            ns=ns,
            reason=reason,
            realised=None if leg.kind == "open" else leg.realised,
            commission=commission if leg is legs[0] else ZERO,
            guaranteed=leg.fee,
        )
        book.truth.cash(
            source_id=f"{own}:{leg.trade}:financing",
            kind="financing",
            amount=leg.financing,
            ns=ns,
            symbol=instrument,
            trade=leg.trade,
        )
    return own


def _legs(
    book: Book,
    ns: int,
    own: str,
    instrument: str,
    units: Decimal,
    price: Decimal,
    close: Sequence[Part],
    *,
    guaranteed: bool,
) -> list[_Leg]:
    sign = 1 if units > 0 else -1
    legs = [
        _Leg(
            kind="close" if part == abs(trade.units) else "reduce",
            trade=trade.id,
            units=sign * part,
            # A long Trade is closed by selling: what was held has the other sign than the fill.
            realised=book.home((price - trade.price) * -sign * part, instrument),
            financing=book.accrued(trade, part, ns),
        )
        for trade, part in close
    ]
    rest = abs(units) - sum((part for _, part in close), ZERO)
    if rest:
        fee = book.home(rest * price * _GUARANTEE, instrument) if guaranteed and not book.old_style else ZERO
        legs.append(_Leg(kind="open", trade=own, units=sign * rest, fee=fee))
    return legs


def _leg_fields(book: Book, legs: Sequence[_Leg], price: Decimal) -> dict[str, object]:
    """The legs as the transaction shows them."""

    def shown(leg: _Leg) -> dict[str, object]:
        result: dict[str, object] = {"tradeID": leg.trade, "units": text(leg.units)}
        if leg.kind != "open":
            result |= {"realizedPL": money(leg.realised), "financing": money(leg.financing)}
        if not book.old_style:
            result |= {"price": text(price), "guaranteedExecutionFee": money(leg.fee)}
        return result

    by_kind: dict[str, list[dict[str, object]]] = {}
    for leg in legs:
        by_kind.setdefault(leg.kind, []).append(shown(leg))
    fields: dict[str, object] = {}
    if "close" in by_kind:
        fields["tradesClosed"] = by_kind["close"]
    if "reduce" in by_kind:
        (fields["tradeReduced"],) = by_kind["reduce"]
    if "open" in by_kind:
        (fields["tradeOpened"],) = by_kind["open"]
    return fields


def _apply(book: Book, own: str, legs: Sequence[_Leg], instrument: str, price: Decimal, ns: int) -> None:
    """Change the Trades as the legs say."""
    for leg in legs:
        if leg.kind == "open":
            book.open_trades[own] = Trade(
                id=own,
                instrument=instrument,
                price=price,
                opened=ns,
                initial_units=leg.units,
                units=leg.units,
                accrued_from=ns,
            )
            continue
        trade = book.open_trades[leg.trade]
        trade.units += leg.units
        trade.realised += leg.realised
        trade.financing += leg.financing
        trade.closed_value += abs(leg.units) * price
        trade.closing_transactions += (own,)
        if leg.kind == "close":
            trade.closed = ns
            book.closed_trades.append(book.open_trades.pop(leg.trade))
