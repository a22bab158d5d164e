"""What makes things happen in the OANDA simulator: POST /_sim/accounts, /_sim/trade, /_sim/act, /_sim/move."""

from collections.abc import Sequence

from pydantic import TypeAdapter
from starlette.routing import Route

from local.simulators.happenings import happening_routes, quietly, several
from local.simulators.oanda_world import AccountSpec, World

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
            "trade": several(world.trade, "last_transaction_ids"),
            "act": several(world.act),
            "move": quietly(world.move_prices),
        }
    )
