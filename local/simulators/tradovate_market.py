"""What is traded at the Tradovate simulator: contracts that end, their products, and prices that move by ticks."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

CURRENCIES: Final[Mapping[int, str]] = {1: "USD", 2: "EUR", 5: "GBP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """`value_per_point` is money, in `currency`, for a whole point of the price."""

    id: int
    name: str
    description: str
    currency: int
    type: str
    value_per_point: Decimal
    tick: Decimal
    price: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A product with an end. Ids are larger than 32 bits, as the broker's are."""

    id: int
    name: str
    maturity: int
    expires: str
    product: Product

    @property
    def asset_class(self) -> str:
        """The ledger's word."""
        return {"Futures": "future", "Options": "future_option"}[self.product.type]


def _product(
    number: int,
    name: str,
    description: str,
    value: str,
    tick: str,
    price: str,
    margin: str,
    *,
    currency: int = 1,
    kind: str = "Futures",
) -> Product:
    return Product(
        id=number,
        name=name,
        description=description,
        currency=currency,
        type=kind,
        value_per_point=Decimal(value),
        tick=Decimal(tick),
        price=Decimal(price),
        margin=Decimal(margin),
    )


_PRODUCTS: Final = (
    (_product(779, "ES", "E-Mini S&P 500", "50", "0.25", "5278.25", "13200"), "ESZ6", "2026-12-18"),
    (_product(780, "MNQ", "Micro E-Mini NASDAQ-100", "2", "0.25", "18446.5", "1870"), "MNQZ6", "2026-12-18"),
    (_product(801, "CL", "Crude Oil", "1000", "0.01", "78.91", "6100"), "CLF7", "2026-12-21"),
    (_product(823, "6E", "Euro FX", "125000", "0.00005", "1.08435", "2300"), "6EZ6", "2026-12-14"),
    (
        _product(911, "ES Options", "Options on ES", "50", "0.05", "41.3", "4100", kind="Options"),
        "ESZ6 C5400",
        "2026-12-18",
    ),
    (_product(990, "FDXM", "Mini-DAX", "5", "1", "18704", "9800", currency=2), "FDXMZ6", "2026-12-18"),
)
CONTRACTS: Final[Mapping[int, Contract]] = {
    contract.id: contract
    for contract in (
        Contract(
            id=3_570_900_000 + product.id,
            name=name,
            maturity=54_000 + product.id,
            expires=f"{expires}T00:00:00.000Z",
            product=product,
        )
        for product, name, expires in _PRODUCTS
    )
}


class Market:
    """The prices. They move when `step` is called."""

    def __init__(self) -> None:
        self._prices = {contract.id: contract.product.price for contract in CONTRACTS.values()}

    def step(self, rng: random.Random) -> None:
        """Move every price by a few ticks."""
        for contract in CONTRACTS.values():
            moved = self._prices[contract.id] + contract.product.tick * rng.choice((-7, -4, -3, -1, 1, 2, 4, 6))
            self._prices[contract.id] = max(moved, contract.product.tick)

    def price(self, contract: Contract) -> Decimal:
        """What it costs now."""
        return self._prices[contract.id]
