"""What makes things happen in the SnapTrade simulator: POST /_sim/accounts, trade, load, relink, disable, ..."""

from collections.abc import Callable, Sequence

from pydantic import TypeAdapter
from starlette.routing import Route

from local.simulators.happenings import Doing, Happening, happening_routes, quietly, several
from local.simulators.snaptrade_book import Event
from local.simulators.snaptrade_world import AccountSpec, World

_SPEC = TypeAdapter(AccountSpec)


def admin_routes(world: World) -> Sequence[Route]:
    """The routes, for this world. An account is named by its institution: `INSTITUTION:id`."""

    def open_account(body: bytes) -> object:
        spec = _SPEC.validate_json(body)
        world.open_account(spec)
        return {"account": spec.identity}

    def trade(account: str, count: int) -> int:
        return sum(len(world.trade(one, count)) for one in ([account] if account else list(world.books)))

    def counted(do: Callable[[str], Sequence[Event]]) -> Happening:
        return several(lambda account, _count: len(do(account)))

    def changing(do: Callable[[str], object]) -> Happening:
        def happen(body: bytes) -> object:
            do(Doing.model_validate_json(body).account)
            return {}

        return happen

    return happening_routes(
        {
            "accounts": open_account,
            "act": several(world.act),
            "trade": several(trade),
            "equal": several(lambda account, count: len(world.equal_fills(account, count))),
            "late": counted(world.late),
            "correct": counted(world.correct),
            "withdraw": counted(world.withdraw),
            "load": changing(world.load),
            "relink": changing(world.relink),
            "reissue": changing(world.reissue),
            "disable": changing(world.disable),
            "enable": changing(world.enable),
            "remove": changing(world.remove),
            "move": quietly(world.move_prices),
        }
    )
