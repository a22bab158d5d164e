"""What makes things happen in the MT5 simulator: POST /_sim/accounts, /_sim/trade, /_sim/act, /_sim/late, ..."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.routing import Route

from local.simulators.happenings import happening_routes, once, quietly, several
from local.simulators.mt5_world import AccountSpec, World

_SPEC = TypeAdapter(AccountSpec)


class _Terminal(BaseModel):
    """What becomes of an account's terminal."""

    model_config = ConfigDict(extra="forbid")

    account: str
    running: bool = True
    forgets: bool = False
    unloaded: int = Field(default=0, ge=0)


def admin_routes(world: World) -> Sequence[Route]:
    """The routes, for this world."""

    def open_account(body: bytes) -> object:
        spec = _SPEC.validate_json(body)
        world.open_account(spec)
        return {"account": spec.login}

    def trade(login: str, count: int) -> object:
        return [made for one in ([login] if login else list(world.accounts)) for made in world.trade(one, count)]

    def log_in(body: bytes) -> object:
        """From now on the bridge has one terminal, with this login (empty: one for each again)."""
        asked = TypeAdapter(dict[str, str]).validate_json(body)["account"]
        if asked and asked not in world.accounts:
            raise ValueError(f"account {asked} doesn't exist")
        world.logged_in = asked
        return {}

    def terminal(body: bytes) -> object:
        asked = _Terminal.model_validate_json(body)
        account = world.accounts[asked.account]
        account.running, account.forgets, account.unloaded = asked.running, asked.forgets, asked.unloaded
        return {}

    return happening_routes(
        {
            "accounts": open_account,
            "trade": several(trade),
            "act": several(world.act),
            "equal": several(world.equal_fills),
            "late": once(world.trade_late),
            "correct": once(world.correct),
            "cancel": once(world.cancel),
            "move": quietly(world.move_prices),
            "login": log_in,
            "terminal": terminal,
        }
    )
