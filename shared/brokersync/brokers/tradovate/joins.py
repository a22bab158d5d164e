"""What leads from a fill to its account, contract, currency, costs and profit: rows of other lists. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Final, TypeVar

from brokersync.brokers.exact_json import a_list, decode
from brokersync.brokers.tradovate.manifest import (
    CASH_LOG,
    CONTRACTS,
    CURRENCIES,
    FEES,
    MATURITIES,
    ORDERS,
    PAIRS,
    POSITIONS,
    PRODUCTS,
)
from brokersync.brokers.tradovate.models import (
    CashChange,
    Contract,
    Currency,
    Entity,
    Fill,
    FillFee,
    FillPair,
    Maturity,
    Order,
    Position,
    Product,
)
from brokersync.domain.trades import AssetClass

JOINED: Final[Mapping[str, type[Entity]]] = {
    ORDERS: Order,
    POSITIONS: Position,
    CURRENCIES: Currency,
    CONTRACTS: Contract,
    MATURITIES: Maturity,
    PRODUCTS: Product,
    FEES: FillFee,
    PAIRS: FillPair,
    CASH_LOG: CashChange,
}
"""The sections that are looked up, and what their rows are."""

_ASSETS: Final[Mapping[str, AssetClass]] = {
    "Futures": AssetClass.FUTURE,
    "Options": AssetClass.FUTURE_OPTION,
    "CommonStock": AssetClass.STOCK,
    "Cryptocurrency": AssetClass.CRYPTO,
}
_FEES: Final = (
    ("clearing", "clearing_fee", "clearing_currency_id"),
    ("exchange", "exchange_fee", "exchange_currency_id"),
    ("nfa", "nfa_fee", "nfa_currency_id"),
    ("brokerage", "brokerage_fee", "brokerage_currency_id"),
    ("ip", "ip_fee", "ip_currency_id"),
    ("commission", "commission", "commission_currency_id"),
    ("order_routing", "order_routing_fee", "order_routing_currency_id"),
)


_Kind = TypeVar("_Kind", bound=Entity)


class RowProblem(ValueError):  # noqa: N818 (what is wrong with a row; it ends as Unmapped)
    """A row that reads well but can't be what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What is traded, and in which currency its price is."""

    symbol: str
    asset_class: AssetClass
    multiplier: Decimal
    currency: str
    contract: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a fill cost, by kind, in one currency."""

    fees: Mapping[str, Decimal] = field(default_factory=dict)
    currency: str = ""


@dataclass(slots=True, kw_only=True)
class Closing:
    """What a fill closed, and realised by it (None: Tradovate has booked nothing, or taken it back)."""

    quantity: Decimal = Decimal(0)
    profit: Decimal | None = None
    currency: str | None = None


class Joins:
    """Rows by their ids. A row that comes again takes the former one's place."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Entity]] = {section: {} for section in JOINED}
        self._told: set[str] = set()
        self._positions: dict[tuple[str, str], str] = {}
        self._instruments: dict[str, Instrument] = {}

    def add(self, section: str, rows: Iterable[Entity]) -> None:
        """Take rows of a section, as the model that JOINED names; none of them says that there are none."""
        self._told.add(section)
        self._instruments.clear()
        for row in rows:
            self._rows[section][row.id] = row
            if isinstance(row, Position):
                self._positions[row.account_id, row.contract_id] = row.id

    def add_facts(self, section: str, text: str) -> None:
        """Take rows that `facts` wrote down. Raises ValidationError."""
        kind = JOINED[section]
        self.add(section, (kind.model_validate(row) for row in a_list(decode(text.encode(), section), section)))

    def facts(self, sections: Sequence[str]) -> Mapping[str, str]:
        """All rows of these sections that are told, to be carried along by a page that can't be read without them."""
        return {
            section: json.dumps(
                [
                    row.model_dump(by_alias=True, exclude_defaults=True)
                    for row in self._rows[section].values()
                    if not isinstance(row, CashChange) or row.is_paired
                ],
                default=str,  # amounts to the digit, days as ISO dates
            )
            for section in sections
            if section in self._told
        }

    def __len__(self) -> int:
        """How many rows there are."""
        return sum(map(len, self._rows.values()))

    def ids(self, section: str) -> frozenset[str]:
        """The ids of a section's rows."""
        return frozenset(self._rows[section])

    def rows(self, section: str, kind: type[_Kind]) -> Sequence[_Kind]:
        """The rows of a section, which are of this kind."""
        return [row for row in self._rows[section].values() if isinstance(row, kind)]

    # --- looking up -------------------------------------------------------------------------------------------------

    def account_of(self, fill: Fill) -> str:
        """The account that a fill belongs to, which only its order tells. Raises RowProblem."""
        order = self._rows[ORDERS].get(fill.order_id)
        if not isinstance(order, Order):
            raise RowProblem(f"orderId: order {fill.order_id} isn't told, so neither is the account")
        return order.account_id

    def symbol(self, contract_id: str) -> str:
        """The name of a contract. Raises RowProblem."""
        return self._contract(contract_id).name

    def instrument(self, contract_id: str) -> Instrument:
        """What a contract is. Raises RowProblem when what leads to its product isn't told."""
        known = self._instruments.get(contract_id)
        if known is None:
            known = self._instruments[contract_id] = self._instrument(contract_id)
        return known

    def currency(self, currency_id: str) -> str:
        """The currency's code. Raises RowProblem."""
        found = self._rows[CURRENCIES].get(currency_id)
        if not isinstance(found, Currency):
            raise RowProblem(f"currencyId: currency {currency_id or 'without id'} isn't told")
        return found.name

    def position_of(self, account_id: str, contract_id: str) -> str:
        """The id of an account's position in a contract, open or flat; empty if none is told."""
        return self._positions.get((account_id, contract_id), "")

    def costs(self, fill_id: str) -> Costs:
        """What a fill cost; nothing where Tradovate tells nothing. Raises RowProblem."""
        row = self._rows[FEES].get(fill_id)
        if row is None:
            return Costs()
        fees, currencies = {}, set()
        for name, amount_name, currency_name in _FEES:
            amount: Decimal | None = getattr(row, amount_name)
            if amount:
                fees[name] = amount
                currencies.add(getattr(row, currency_name))
        if len(currencies) > 1:
            raise RowProblem(f"its fees are in {len(currencies)} currencies")
        return Costs(fees=fees, currency=self.currency(currencies.pop())) if fees else Costs()

    def closings(self, fills: Mapping[str, Fill]) -> Mapping[str, Closing] | None:
        """What each fill closed, by its id: a pair is closed by the later of its two fills. None: no pairs are told.

        The profit is Tradovate's own booking of the pair. One whose earlier fill is of a former session counts too; of
        one that was taken back only a fill that was busted itself keeps what it had closed.
        Raises RowProblem for a booking in an unknown currency.
        """
        if PAIRS not in self._told:
            return None
        booked: dict[str, list[CashChange]] = defaultdict(list)
        for change in self.rows(CASH_LOG, CashChange):
            if change.is_paired:
                booked[change.fill_pair_id].append(change)
        found: dict[str, Closing] = defaultdict(Closing)
        for pair in self.rows(PAIRS, FillPair):
            fill = _later(fills.get(pair.buy_fill_id), fills.get(pair.sell_fill_id))
            if fill is None or (fill.active and not pair.active):
                continue
            closing = found[fill.id]
            closing.quantity += pair.qty
            if pair.active and pair.id in booked:
                with localcontext(prec=38):
                    closing.profit = sum((one.delta for one in booked[pair.id]), closing.profit or Decimal(0))
                closing.currency = self.currency(booked[pair.id][0].currency_id)
        return found

    def _instrument(self, contract_id: str) -> Instrument:
        contract = self._contract(contract_id)
        maturity = self._rows[MATURITIES].get(contract.contract_maturity_id)
        product = self._rows[PRODUCTS].get(maturity.product_id) if isinstance(maturity, Maturity) else None
        if not isinstance(maturity, Maturity) or not isinstance(product, Product):
            raise RowProblem(f"contractId: the product of {contract.name} isn't told, so neither is a point's worth")
        expiry = {"expiry": maturity.expiration_date.isoformat()} if maturity.expiration_date else {}
        return Instrument(
            symbol=contract.name,
            asset_class=_ASSETS.get(product.product_type, AssetClass.OTHER),
            multiplier=product.value_per_point,
            currency=self.currency(product.currency_id),
            contract={"underlying": product.name, **expiry},
        )

    def _contract(self, contract_id: str) -> Contract:
        contract = self._rows[CONTRACTS].get(contract_id)
        if not isinstance(contract, Contract):
            raise RowProblem(f"contractId: contract {contract_id} isn't told")
        return contract


def _later(one: Fill | None, other: Fill | None) -> Fill | None:
    """The later of two fills; one that isn't listed is of a former session, so earlier."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda fill: (fill.timestamp.ns, int(fill.id)))
