"""`brokersync normalise`: what saved answers of a broker say, as JSON lines."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

from brokersync.domain.errors import SyncError
from brokersync.domain.money import plain
from brokersync.domain.pages import Normalised, RawPage
from brokersync.domain.times import BrokerTime
from brokersync.ports.brokers import Catalog, Provider
from local.commands.errors import CommandError

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]


def normalise(catalog: Catalog, broker: str, files: Iterable[Path]) -> Iterator[str]:
    """JSON lines of what the files say together; each has a `type`: account, position, cash, trade, unmapped.

    Amounts are text, times are objects of `utc` (ISO 8601), `ns`, the broker's `raw` text and the `zone` rule applied.
    Raises CommandError for an unknown broker and for a file that is not an answer of it.
    """
    try:
        provider = catalog.provider(broker)
    except ValueError as error:
        raise CommandError(str(error)) from None
    pages = [_read(provider, broker, path) for path in files]
    try:
        content = provider.normalise(pages, [])
    except SyncError as error:
        names = ", ".join(page.path for page in pages)
        raise CommandError(f"{names}: not what {broker} answers: {error.detail}") from None
    return (json.dumps(line) for line in _lines(content))


def _read(provider: Provider, broker: str, path: Path) -> RawPage:
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        raise CommandError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise CommandError(f"{path}: is a folder; name the files in it") from None
    except OSError as error:
        raise CommandError(f"{path}: can't be read ({error.strerror})") from None
    if not body.strip():
        raise CommandError(f"{path}: is empty")
    try:
        return provider.read_saved(str(path), body)
    except SyncError as error:
        raise CommandError(f"not an answer of {broker}: {error.detail}") from None  # which names the file


def _lines(content: Normalised) -> Iterator[dict[str, Json]]:
    yield from _accounts(content)
    for section in content.positions:
        for position in section.positions:
            yield {"type": "position", **_object(position)}
    for event in content.cash_events:
        yield {"type": "cash", **_object(event)}
    for execution in content.executions:
        yield {"type": "trade", **_object(execution)}
    for row in content.unmapped:
        yield {"type": "unmapped", **_object(row)}


def _accounts(content: Normalised) -> Iterator[dict[str, Json]]:
    """One line per account: its name, its figures where a balance came, how many positions where they came."""
    infos = {info.broker_account_id: info for info in content.accounts}
    balances = {balance.broker_account_id: balance for balance in content.balances}
    positions = {section.broker_account_id: section for section in content.positions}
    for account_id in dict.fromkeys((*infos, *balances, *positions)):
        line: dict[str, Json] = {"type": "account", "broker_account_id": account_id}
        if account_id in infos:
            line |= _object(infos[account_id])
        if account_id in balances:
            line |= _object(balances[account_id])
        if account_id in positions:
            section = positions[account_id]
            line |= {"open_positions": len(section.positions), "positions_as_of": _json(section.as_of)}
        yield line


def _object(thing: object) -> dict[str, Json]:
    if not is_dataclass(thing):
        raise TypeError(f"{type(thing).__name__} is not one of the domain's dataclasses")
    return {spec.name: _json(getattr(thing, spec.name)) for spec in fields(thing)}


def _json(value: object) -> Json:
    match value:
        case BrokerTime():
            return {"utc": _utc_text(value), "ns": value.ns, "raw": value.raw, "zone": value.zone}
        case Decimal():
            return plain(value)
        case Enum():
            return str(value.value)
        case Mapping():
            return {str(key): _json(item) for key, item in value.items()}
        case None | bool() | int() | str():
            return value
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")


def _utc_text(time: BrokerTime) -> str:
    """ISO 8601 in UTC with all nine digits of the second, which a datetime can't hold."""
    seconds, fraction = divmod(time.ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
