"""What makes things happen in the Tradovate simulator: POST /_sim/trade, equal, late, correct, bust, penalise, ..."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.routing import Route

from local.simulators.happenings import happening_routes, once, quietly, several
from local.simulators.tradovate_world import AccountSpec, World

_SPEC = TypeAdapter(AccountSpec)


class _Cash(BaseModel):
    """Cash that moves, by Tradovate's cashChangeType; positive is into the account."""

    model_config = ConfigDict(extra="forbid")

    account: str
    kind: str
    amount: Decimal


class _Penalty(BaseModel):
    """The next request to this path (`/fill/list`) is penalised for so many seconds."""

    model_config = ConfigDict(extra="forbid")

    path: str
    seconds: int = Field(default=60, ge=0, le=3600)


def admin_routes(world: World) -> Sequence[Route]:
    """The routes, for this world."""

    def open_account(body: bytes) -> object:
        """`login` and the fields of AccountSpec."""
        asked = TypeAdapter(dict[str, object]).validate_json(body)
        spec = _SPEC.validate_python({name: value for name, value in asked.items() if name != "login"})
        world.open_account(str(asked["login"]), spec)
        return {"account": spec.id}

    def cash(body: bytes) -> object:
        asked = _Cash.model_validate_json(body)
        return {"ids": world.move_cash(asked.account, asked.kind, asked.amount)}

    def end_sessions(body: bytes) -> object:
        world.gate.end_sessions(TypeAdapter(dict[str, str]).validate_json(body)["login"])
        return {}

    def penalise(body: bytes) -> object:
        asked = _Penalty.model_validate_json(body)
        world.gate.penalise_next(asked.path, timedelta(seconds=asked.seconds))
        return {}

    return happening_routes(
        {
            "accounts": open_account,
            "trade": several(world.trade, "ids"),
            "equal": several(world.equal_fills, "ids"),
            "out_of_order": once(world.out_of_order, "ids"),
            "late": once(world.late, "ids"),
            "late_cost": once(world.charge_late, "ids"),
            "carry": once(world.carry_order, "ids"),
            "correct": once(world.correct, "ids"),
            "bust": once(world.bust, "ids"),
            "cash": cash,
            "move": quietly(world.move_prices),
            "end_sessions": end_sessions,
            "penalise": penalise,
        }
    )
