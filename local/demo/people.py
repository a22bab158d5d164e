"""Who can sign in to the demo: a trader on each plan, and an operator."""

from collections.abc import Mapping, Sequence

from brokersync.domain.plans import TERMS, Plan
from local.stack.identity import Person

ONE, TWO, THREE = "trader-one", "trader-two", "trader-three"
OPERATOR = "operator"
PLANS: Mapping[str, Plan] = {ONE: Plan.ELITE, TWO: Plan.PRO, THREE: Plan.FREE}
"""The traders, each with its plan."""

_HAVE = {ONE: "everything is well", TWO: "some troubles", THREE: "nothing connected yet"}


def people() -> Sequence[Person]:
    """What the login page lists."""
    traders = [
        Person(subject=trader, about=f"Plan {plan}, every {TERMS[plan].min_interval_min} min: {_HAVE[trader]}")
        for trader, plan in PLANS.items()
    ]
    operator = Person(subject=OPERATOR, about="May change plans through the API", claims={"scope": "openid operator"})
    return [*traders, operator]
