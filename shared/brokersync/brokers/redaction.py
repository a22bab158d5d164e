"""Addresses without what must not be told: brokers put tokens into queries and account numbers into paths."""

import logging
from urllib.parse import parse_qsl, urlsplit

import httpx

HIDDEN = "***"
LONGEST_WORD = 32  # a longer path segment is an id or a token, not a name


def redact(url: str) -> str:
    """The address with its host and names; every query value, every numbered path segment and any user hidden."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        path = "/".join(_redact_segment(segment) for segment in parts.path.split("/"))
        names = [f"{name}={HIDDEN}" for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    except ValueError:
        return HIDDEN
    return f"{parts.scheme}://{parts.hostname or ''}{port}{path}{'?' if names else ''}{'&'.join(names)}"


def _redact_segment(segment: str) -> str:
    digits = sum(character.isdigit() for character in segment)
    return HIDDEN if digits >= 4 or len(segment) > LONGEST_WORD else segment


class _RedactAddresses(logging.Filter):
    """Hides what httpx would tell of an address."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(redact(str(arg)) if isinstance(arg, httpx.URL) else arg for arg in record.args)
        return True


def silence_http_logs() -> None:
    """Stop httpx from logging addresses at INFO, and keep them redacted should its logger be turned up again."""
    logger = logging.getLogger("httpx")
    logger.setLevel(logging.WARNING)
    if not any(isinstance(known, _RedactAddresses) for known in logger.filters):
        logger.addFilter(_RedactAddresses())
    logging.getLogger("httpcore").setLevel(logging.WARNING)
