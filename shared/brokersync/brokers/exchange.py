"""One request and its answer: limits of time and size, and faults told apart without telling an address."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

import httpx

from brokersync.brokers.redaction import redact, silence_http_logs
from brokersync.brokers.retry import TryAgain
from brokersync.domain.errors import (
    BrokerChangedError,
    ErrorCode,
    OutOfTimeError,
    RetryLaterError,
    UserActionNeededError,
)
from brokersync.ports.brokers import HttpAnswer
from brokersync.ports.world import Clock

USER_AGENT = "brokersync/0.1.0"
HEADERS = httpx.Headers({"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"})
CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. What authenticates may be in any part of it, so none of it is ever told."""

    method: str
    url: str
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    json: Mapping[str, object] | None = None
    form: Mapping[str, str] | None = None


class _TooSlowError(Exception):
    """The whole answer took longer than its limit."""


class Exchange:
    """The process's HTTP connections: made once, as that loads the CA bundle. Safe for threads.

    httpx's transport without its client: that would keep cookies, and send one trader's with the next one's requests;
    it follows redirects and logs in, which no broker needs; and it takes a fifth of a request's time.
    """

    def __init__(self, *, clock: Clock, timeout_seconds: float, max_bytes: int) -> None:
        """`timeout_seconds` is for a whole answer, `max_bytes` for its body after decompression."""
        silence_http_logs()
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._transport = httpx.HTTPTransport(
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=15),
            trust_env=False,  # the machine's CA settings have no part in it
        )

    def close(self) -> None:
        """Close the connections; needed where the process goes on without them."""
        self._transport.close()

    def send(self, ask: Ask, seconds_left: float) -> HttpAnswer:
        """Ask once, in at most `seconds_left`; redirects are answers.

        Raises TryAgain for a transport fault, BrokerChangedError for an answer that is too large or an address that is
        none, and UserActionNeededError for a credential that HTTP can't carry.
        """
        _check(ask.headers)
        limit = min(self._timeout_seconds, seconds_left)
        try:
            return self._receive(ask, limit)
        except _TooSlowError as error:
            raise self._timed_out(limit, str(error)) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise BrokerChangedError("The broker named an address that is none.", detail=redact(ask.url)) from None
        except httpx.TimeoutException as error:
            raise self._timed_out(limit, f"{redact(ask.url)}: {type(error).__name__}") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            detail = f"{redact(ask.url)}: {type(error).__name__}"
            raise TryAgain(
                RetryLaterError(ErrorCode.BROKER_UNAVAILABLE, "The broker can't be reached.", detail=detail)
            ) from None

    def _timed_out(self, limit: float, detail: str) -> TryAgain:
        """Too slow for what was left to us says nothing about the broker; too slow for the usual limit does."""
        if limit < self._timeout_seconds:
            return TryAgain(OutOfTimeError("There was not enough time left for the broker's answer.", detail=detail))
        return TryAgain(RetryLaterError(ErrorCode.TIMEOUT, "The broker took too long to answer.", detail=detail))

    def _receive(self, ask: Ask, limit: float) -> HttpAnswer:
        ends = self._clock.now() + timedelta(seconds=limit)
        timeout = httpx.Timeout(limit, connect=min(CONNECT_SECONDS, limit))
        headers = HEADERS.copy()
        headers.update(ask.headers)
        request = httpx.Request(
            ask.method,
            ask.url,
            params=ask.params,
            headers=headers,
            json=ask.json,
            data=ask.form,
            extensions={"timeout": timeout.as_dict()},
        )
        with closing(self._transport.handle_request(request)) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._max_bytes:
                    raise BrokerChangedError(
                        f"The broker's answer is larger than {self._max_bytes // 2**20} MB.", detail=redact(ask.url)
                    )
                if self._clock.now() > ends:  # httpx limits each read, not all of them
                    raise _TooSlowError(f"{redact(ask.url)}: {len(body)} bytes in {limit:.0f} s")
            return HttpAnswer(
                status=response.status_code,
                # A session's cookie is a secret, and headers may be kept with the page.
                headers={name: value for name, value in response.headers.items() if name != "set-cookie"},
                body=bytes(body),
                received_at=self._clock.now(),
            )


def _check(headers: Mapping[str, str] | None) -> None:
    for value in (headers or {}).values():
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise UserActionNeededError(
                ErrorCode.CREDENTIALS_REJECTED,
                "The credential has a character that none of this broker can have: copy it again.",
            )
