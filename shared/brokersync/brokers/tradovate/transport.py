"""Requests to Tradovate: to the server that a login was moved to, and with the ticket of a penalty that was waited out.

Source: partner.tradovate.com, Penalty Tickets. Moved logins are answered 307 with an address inside tradovateapi.com.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urljoin, urlsplit

from brokersync.brokers.tradovate import refusals
from brokersync.brokers.tradovate.refusals import Penalty
from brokersync.domain.pages import ComeBack
from brokersync.ports.brokers import FetchContext, HttpAnswer

_MOVED = (307, 308)
_MOST_MOVES = 2
_MOST_PENALTIES: Final = 5
_TICKET, _REQUEST, _PENALTIES = "p_ticket", "request", "penalties"


class PenalisedError(Exception):
    """Tradovate makes us wait with a ticket, since `at`: the next run sends the request again with it."""

    def __init__(self, path: str, penalty: Penalty, at: datetime) -> None:
        super().__init__(f"{path} is penalised for {penalty.wait}")
        self.path, self.penalty, self.at = path, penalty, at


@dataclass(frozen=True, slots=True)
class _Ask:
    path: str
    params: Mapping[str, str]
    json: Mapping[str, object] | None
    token: str


class Transport:
    """One run's requests. `base_url` is where they go."""

    def __init__(self, context: FetchContext) -> None:
        self._context = context
        self._ticket = dict(context.state) if context.state.get(_TICKET) else {}
        self.base_url = context.base_url.rstrip("/")

    @property
    def is_moved(self) -> bool:
        """Whether the requests go to another server than the environment's."""
        return self.base_url != self._context.base_url.rstrip("/")

    def get(self, path: str, params: Mapping[str, str], token: str) -> HttpAnswer:
        """GET with a token. Raises as BrokerHttp.get; a 429 keeps us away for an hour."""
        return self._follow(_Ask(path, params, None, token))

    def post(self, path: str, json: Mapping[str, object], token: str = "") -> HttpAnswer:
        """POST a JSON body; without a token, to sign in. Raises as `get`."""
        return self._follow(_Ask(path, {}, json, token))

    def come_back(self, penalised: PenalisedError) -> ComeBack:
        """When to send the penalised request again. Raises RetryLaterError for a captcha and for endless penalties."""
        if penalised.penalty.captcha:
            raise refusals.of_captcha(penalised.path, penalised.at)
        before = int(self._context.state.get(_PENALTIES, "0"))
        if before >= _MOST_PENALTIES:
            raise refusals.of_penalties(penalised.path, penalised.at)
        return ComeBack(
            # A second more: the ticket of a request that comes too early is worth nothing.
            at=penalised.at + penalised.penalty.wait + timedelta(seconds=1),
            state={
                _TICKET: penalised.penalty.ticket,
                _REQUEST: penalised.path,
                _PENALTIES: str(before + 1),
            },
            safe_message="Tradovate makes us wait a little before it answers.",
        )

    def _follow(self, ask: _Ask) -> HttpAnswer:
        ask = self._with_ticket(ask)
        answer = self._send(ask)
        for _ in range(_MOST_MOVES):
            moved_to = self._moved_to(answer, ask.path) if answer.status in _MOVED else ""
            if not moved_to:
                break
            self.base_url = moved_to
            answer = self._send(ask)
        return answer

    def _with_ticket(self, ask: _Ask) -> _Ask:
        """The same request with the ticket that it was given, once."""
        if self._ticket.get(_REQUEST) != ask.path:
            return ask
        ticket = self._ticket.pop(_TICKET)
        self._ticket.clear()
        if ask.json is None:
            return replace(ask, params={**ask.params, "p-ticket": ticket})
        return replace(ask, json={**ask.json, "p-ticket": ticket})

    def _send(self, ask: _Ask) -> HttpAnswer:
        url = f"{self.base_url}{ask.path}"
        headers = {"Accept": "application/json"}
        if ask.token:
            headers["Authorization"] = f"Bearer {ask.token}"
        http = self._context.http
        if ask.json is None:
            return http.get(url, params=ask.params, headers=headers)
        return http.post(url, json=ask.json, headers=headers)

    def _moved_to(self, answer: HttpAnswer, path: str) -> str:
        """The base of the server that a login was moved to; empty for one that isn't Tradovate's.

        What is sent there is a password or a token.
        """
        try:
            to = urlsplit(urljoin(f"{self.base_url}{path}", answer.headers["location"]))
            ours = urlsplit(self._context.base_url)
            host = to.hostname or ""
        except (KeyError, ValueError):
            return ""
        ours_again = (to.scheme, to.netloc) == (ours.scheme, ours.netloc)
        inside = to.scheme == "https" and to.netloc == host and host.endswith(self._context.environment.trusted_suffix)
        if not (ours_again or inside) or not to.path.endswith(path):
            return ""
        return f"{to.scheme}://{to.netloc}{to.path.removesuffix(path)}"
