"""What makes things happen in the Alpaca simulator: POST /_sim/accounts, trade, act, late, correct, cancel, move."""

from collections.abc import Sequence

from pydantic import TypeAdapter
from starlette.routing import Route

from local.simulators.alpaca_world import AccountSpec, World
from local.simulators.happenings import happening_routes, once, quietly, several

_SPEC = TypeAdapter(AccountSpec)


def admin_routes(world: World) -> Sequence[Route]:
    """The routes, for this world."""

    def open_account(body: bytes) -> object:
        spec = _SPEC.validate_json(body)
        world.open_account(spec)
        return {"account": spec.account}

    return happening_routes(
        {
            "accounts": open_account,
            "trade": several(world.trade, "ids"),
            "act": several(world.act),
            "late": once(world.late, "ids"),
            "correct": once(world.correct, "ids"),
            "cancel": once(world.cancel, "ids"),
            "move": quietly(world.move_prices),
        }
    )
