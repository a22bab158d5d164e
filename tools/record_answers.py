"""Ask a broker once, as a first sync does, and keep its answers scrubbed: of anybody's account, saying the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from brokersync.brokers.http import HttpxBrokers
from brokersync.brokers.permits import ProcessPermits
from brokersync.domain.errors import SyncError
from brokersync.domain.feeds import FetchScope
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import Checkpoint, ComeBack, RawPage
from brokersync.domain.runs import RunStats
from brokersync.ports.brokers import FetchContext, Provider
from brokersync.ports.world import Clock
from tools.record_scrub import Scrubber, free_texts

PATIENCE = timedelta(minutes=15)
"""How long a broker may prepare its answers."""
MOST_ROUNDS = 60
TELLING = 4
"""A text with so many digits may tell whose answer it is."""


class CantRecordError(Exception):
    """In one sentence, what is wrong with which input or answer, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What to record. `account` is empty where a connection brings its accounts; `also` are more words to take out."""

    environment: str
    base_url: str
    credentials: Mapping[str, str]
    account: str
    days: int
    also: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The files that were written, how often what was replaced, and the texts in which somebody may be named."""

    files: Sequence[Path]
    replaced: Mapping[str, int]
    free_texts: Sequence[str]
    problem: str


def record(
    provider: Provider, wish: Wish, folder: Path, clock: Clock, say: Callable[[str], object] = lambda _why: None
) -> Recorded:
    """Ask the broker once, as a first sync does, and save its answers scrubbed.

    `say` is told why it takes longer. Raises CantRecordError; then nothing was saved.
    """
    http = HttpxBrokers(shared_permits=ProcessPermits(), clock=clock)
    try:
        context = _context(provider.manifest, wish, http, clock)
        context, names = _with_account(provider, context, wish.account)
        pages, problem = _fetch(provider, context, http, clock, say)
    finally:
        http.close()
    scrubber = _scrubber(provider, wish, context, pages, names)
    scrubbed = [_checked(provider, scrubber, page) for page in pages]
    files = [_place(folder, pages, number) for number in range(len(pages))]
    if taken := [file.name for file in files if file.exists()]:
        raise CantRecordError(f"OUT: {taken[0]} is in {folder} already: move it, or name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for file, body in zip(files, scrubbed, strict=True):
        file.write_bytes(body)
    left = sorted({text for body in scrubbed for text in free_texts(body)})
    return Recorded(files=files, replaced=scrubber.replaced, free_texts=left, problem=problem)


# --- asking ---------------------------------------------------------------------------------------------------------


class _NoHurry:
    """ports.Deadline of somebody who waits at the keyboard."""

    def seconds_left(self) -> float:
        return PATIENCE.total_seconds()


def _context(manifest: Manifest, wish: Wish, http: HttpxBrokers, clock: Clock) -> FetchContext:
    try:
        environment = manifest.environment(wish.environment or manifest.environments[0].name)
    except ValueError as error:
        raise CantRecordError(str(error)) from None
    return FetchContext(
        credentials=wish.credentials,
        environment=environment,
        base_url=wish.base_url or environment.base_url,
        accounts=(),
        cursor="",
        state={},
        history_start=clock.now() - timedelta(days=wish.days),
        now=clock.now(),
        http=http.for_run(manifest, "recording", _NoHurry(), RunStats()),
    )


def _with_account(provider: Provider, context: FetchContext, account: str) -> tuple[FetchContext, Sequence[str]]:
    """The context with the account to record, and the names of all that the credentials open."""
    if provider.manifest.fetch_scope is FetchScope.CONNECTION:
        return context, ()
    try:
        listed = provider.list_accounts(context)
    except SyncError as error:
        raise CantRecordError(f"{error.code}: {error.safe_message} {error.next_step}") from None
    numbers = [info.broker_account_id for info in listed]
    if account not in numbers and (account or len(numbers) != 1):
        raise CantRecordError(f"ACCOUNT: choose one of {', '.join(numbers) or 'none: the credentials open no account'}")
    chosen = account or numbers[0]
    return replace(context, accounts=(chosen,)), [*numbers, *(info.name for info in listed)]


def _fetch(
    provider: Provider, context: FetchContext, http: HttpxBrokers, clock: Clock, say: Callable[[str], object]
) -> tuple[Sequence[RawPage], str]:
    """The answers of a first sync, and what ended it too early."""
    pages: list[RawPage] = []
    for _ in range(MOST_ROUNDS):
        later: ComeBack | None = None
        way = http.for_run(provider.manifest, "recording", _NoHurry(), RunStats())
        context = replace(context, now=clock.now(), http=way)
        try:
            for step in provider.fetch(context):
                match step:
                    case RawPage():
                        pages.append(step)
                    case Checkpoint():
                        context = replace(context, cursor=step.cursor)
                    case ComeBack():
                        later = step
                        break
        except SyncError as error:
            return pages, f"{error.code}: {error.safe_message} {error.next_step}"
        if later is None:
            return pages, ""
        say(later.safe_message)
        clock.sleep(max((later.at - clock.now()).total_seconds(), 0))
        context = replace(context, state=later.state)
    return pages, f"The broker was still preparing its answer after {MOST_ROUNDS} questions."


# --- scrubbing ------------------------------------------------------------------------------------------------------


def _scrubber(
    provider: Provider, wish: Wish, context: FetchContext, pages: Sequence[RawPage], known: Sequence[str]
) -> Scrubber:
    numbers, names = {*context.accounts}, {*wish.also}
    for page in pages:
        try:
            said = provider.normalise([page], ())
        except SyncError:
            continue
        numbers |= {one.broker_account_id for part in (said.accounts, said.executions, said.balances) for one in part}
        names |= {info.name for info in said.accounts}
    fields = {field.name: field for field in provider.manifest.auth_fields}
    secret = [value for name, value in wish.credentials.items() if name not in fields or fields[name].secret]
    public = [value for name, value in wish.credentials.items() if value not in secret]
    # A number that is no account's, such as a login's or a query's, tells whose answer it is as well.
    numbers |= {value for value in (*public, *known) if sum(character.isdigit() for character in value) >= TELLING}
    names |= {value for value in known if value not in numbers}
    return Scrubber(secret=secret, numbers=sorted(numbers), names=sorted(names))


def _checked(provider: Provider, scrubber: Scrubber, page: RawPage) -> bytes:
    """The scrubbed body, which has to say what the answer said. Raises CantRecordError."""
    try:
        body = scrubber.scrub(page.body)
    except UnicodeDecodeError:
        raise CantRecordError(f"{page.section}: this answer is no text, and can't be scrubbed") from None
    if scrubber.leaks(body):
        raise CantRecordError(f"{page.section}: something stayed that names you. Nothing was saved; report this")
    told = replace(page, body=body, path=scrubber.text(page.path), facts=_each(scrubber, page.facts))
    if _meaning(provider, page) != _meaning(provider, told):
        raise CantRecordError(
            f"{page.section}: scrubbed, this answer says something else than before. Nothing was saved: a word given "
            "by ALSO may be part of its data"
        )
    return body


def _each(scrubber: Scrubber, texts: Mapping[str, str]) -> Mapping[str, str]:
    return {name: scrubber.text(value) for name, value in texts.items()}


def _meaning(provider: Provider, page: RawPage) -> object:
    """What a page says, but for whom it names."""
    try:
        said = provider.normalise([page], ())
    except SyncError as error:
        return error.code
    return (
        [(one.symbol, one.side, one.quantity, one.price, one.executed_at.ns, one.fees) for one in said.executions],
        [(one.kind, one.amount, one.occurred_at.ns) for one in said.cash_events],
        [(one.currency, one.balance, one.equity) for one in said.balances],
        [(one.symbol, one.side, one.volume) for section in said.positions for one in section.positions],
        len(said.unmapped),
    )


def _place(folder: Path, pages: Sequence[RawPage], number: int) -> Path:
    """`recorded_transactions_02.json`: section, and which of its answers."""
    page = pages[number]
    of_section = sum(other.section == page.section for other in pages[: number + 1])
    start = page.body.lstrip()[:1]
    kind = {b"{": "json", b"[": "json", b"<": "xml"}.get(start, "txt")
    status = "" if page.status == 200 else f"_status_{page.status}"
    return folder / f"recorded_{page.section}_{of_section:02d}{status}.{kind}"
