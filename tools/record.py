"""Save a broker's real answers for tests, asked by the broker's own code and scrubbed of whom they are about.

`make record BROKER=oanda`. Nothing is saved that still names a credential, an account or a person, or that says
something else than what the broker answered.
"""

import argparse
import getpass
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.manifests import AuthField
from brokersync.ports.brokers import Provider
from brokersync.runtime import SystemClock
from local.commands.connect import read_credentials
from local.commands.errors import CommandError
from tools.record_answers import CantRecordError, Recorded, Wish, record

FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "fixtures"


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point; 1 when nothing was saved, or not all."""
    parser = argparse.ArgumentParser(prog="make record", description=__doc__)
    parser.add_argument("broker", metavar="BROKER", nargs="?", default="", help="a broker's slug")
    parser.add_argument("--environment", default="", help="the broker's environment (default: its first)")
    parser.add_argument("--account", default="", help="whose answers to record, where the credentials open several")
    parser.add_argument("--credentials", type=Path, help="JSON file (-: stdin); else you are asked")
    parser.add_argument("--days", type=int, default=30, help="how far back to ask")
    parser.add_argument("--also", action="append", default=[], help="a word to take out; again for more")
    parser.add_argument("--out", type=Path, help="folder (default: tests/fixtures/BROKER)")
    parser.add_argument("--endpoint", default="", help="another address than the broker's own: a simulator's")
    asked = parser.parse_args(arguments)
    try:
        provider = _provider(asked.broker)
        wish = Wish(
            environment=asked.environment,
            base_url=_endpoint(asked.endpoint),
            credentials=_credentials(provider.manifest.auth_fields, asked.credentials),
            account=asked.account,
            days=asked.days,
            also=asked.also,
        )
        done = record(provider, wish, asked.out or FIXTURES / asked.broker, SystemClock(), say=_say)
    except (CantRecordError, CommandError) as error:
        print(f"brokersync: {error}", file=sys.stderr)
        return 1
    return _tell(done)


def _tell(done: Recorded) -> int:
    for file in done.files:
        print(file)
    print("Replaced:", ", ".join(f"{count} {kind}" for kind, count in sorted(done.replaced.items())) or "nothing")
    if done.free_texts:
        print("Left as they are; if one names somebody, remove the files and take it out with ALSO='...':")
        for text in done.free_texts:
            print(f"  {text}")
    if done.problem:
        print(f"brokersync: not all was recorded. {done.problem}", file=sys.stderr)
        return 1
    return 0


def _say(why: str) -> None:
    print(why, file=sys.stderr)


def _provider(slug: str) -> Provider:
    try:
        return BrokerCatalog().provider(slug)
    except ValueError as error:
        raise CantRecordError(f"BROKER: {error}") from None


def _endpoint(address: str) -> str:
    parts = urlsplit(address)
    if address and parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise CantRecordError(f"ENDPOINT: {address} would carry the credentials in the clear: take https, or 127.0.0.1")
    return address.rstrip("/")


def _credentials(fields: Sequence[AuthField], source: Path | None) -> Mapping[str, str]:
    if source is not None:
        return read_credentials(source)
    if not sys.stdin.isatty():
        raise CantRecordError("CREDENTIALS: nobody is at the keyboard to be asked: name a JSON file")
    entered = {}
    for field in fields:
        print(f"{field.label}: {field.help}", file=sys.stderr)
        ask = getpass.getpass if field.secret else input
        entered[field.name] = ask(f"{field.label}: ") or field.default
    return entered


if __name__ == "__main__":
    sys.exit(main())
