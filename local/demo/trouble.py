"""`make demo-fail` and `make demo-heal`: break a demo broker and mend it, so that one sees the page tell of it."""

from collections.abc import Mapping

import httpx

from local.commands.errors import CommandError
from local.demo.how import How
from local.simulators.control import PREFIX
from local.simulators.faults import Fault
from local.stack.running import find

_FAULTS: Mapping[How, Fault] = {
    How.DOWN: Fault(status=503, times=None),
    How.REFUSED: Fault(status=401, times=None),
    How.GARBLED: Fault(keep_bytes=40, times=None),
}


def fail(broker: str, how: How) -> str:
    """Break a broker of the running demo; says what to look at. Raises CommandError when it isn't there."""
    address = _address_of(broker)
    _ask("DELETE", address)
    _ask("POST", address, _FAULTS[how].model_dump_json(exclude_defaults=True))
    return f"{broker} is {how.value} from now on: press 'Sync now' on the page and watch. `make demo-heal` mends it."


def heal(broker: str = "") -> str:
    """Mend a broker of the running demo, or all of them. Raises CommandError when it isn't there."""
    for address in [_address_of(broker)] if broker else _brokers().values():
        _ask("DELETE", address)
    return f"{broker or 'Every broker'} is well again: what waits for a retry comes by itself, or press 'Try again'."


def _brokers() -> Mapping[str, str]:
    running = find()
    if running is None or not running.brokers:
        raise CommandError("no demo runs on this machine: start it by `make run` in another terminal")
    return running.brokers


def _address_of(broker: str) -> str:
    brokers = _brokers()
    if broker not in brokers:
        raise CommandError(f"broker: {broker!r} is not in the demo, which has {', '.join(sorted(brokers))}")
    return brokers[broker]


def _ask(method: str, address: str, body: str | None = None) -> None:
    try:
        httpx.request(method, f"{address}{PREFIX}/faults", content=body, timeout=10).raise_for_status()
    except httpx.HTTPError as error:
        raise CommandError(f"the simulator at {address} does not answer: {error}") from None
