"""What the syncs without an engine share: HTTP without retries, and a fetch cut into the chunks that it yields."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import httpx

from brokersync.domain.pages import Checkpoint, FetchStep, Normalised, RawPage
from brokersync.ports.brokers import HttpAnswer


class PlainHttp:
    """ports.BrokerHttp without retries: what the simulator answers is what the provider sees."""

    def __init__(self, before: Callable[[int], None] = lambda _ordinal: None) -> None:
        self._client = httpx.Client(timeout=10)
        self._before = before
        self.requests: list[str] = []

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Ask once."""
        self.requests.append(url)
        self._before(len(self.requests))
        answer = self._client.get(url, params=params, headers=headers)
        return HttpAnswer(
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.content,
            received_at=datetime.now(UTC),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def chunks(
    steps: Iterable[FetchStep], normalise: Callable[[Sequence[RawPage]], Normalised], pages: list[RawPage]
) -> Iterator[tuple[Normalised, Checkpoint]]:
    """What a fetch yields, normalised at each checkpoint; `pages` gets every page as it comes."""
    pending: list[RawPage] = []
    for step in steps:
        match step:
            case RawPage():
                pending.append(step)
                pages.append(step)
            case Checkpoint():
                yield normalise(pending), step
                pending = []
