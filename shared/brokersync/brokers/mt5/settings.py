"""What a connection says about its bridge, read from the fields that the trader filled in. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from brokersync.brokers.mt5.addresses import checked_base_url
from brokersync.brokers.mt5.manifest import MANIFEST
from brokersync.brokers.mt5.server_clock import BadZoneError, ServerClock
from brokersync.domain.errors import ErrorCode, UserActionNeededError

ACCOUNT_PLACE = "{id}"
_KEY = re.compile(r"[\x21-\x7e]+")
_HEADER = re.compile(r"([A-Za-z0-9-]{1,64})(?::?[ ]+([A-Za-z]{1,20}))?")
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~-]|\{id\})+)*")
_LOGIN = re.compile(r"[1-9]\d{0,18}")
# What steers the transfer itself, or names whom it is for, is not the trader's to set.
# fmt: off
_NOT_KEYS = frozenset({
    "accept-encoding", "connection", "content-length", "cookie", "expect", "forwarded", "host", "proxy-authorization",
    "range", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via",
})
# fmt: on


class TimeUnit(StrEnum):
    """How a bridge wants `from` and `to`."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    ISO = "iso"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A bridge, its key, and how it speaks. `base_path` may hold {id}; `logins` are those that the trader named."""

    base_url: str
    api_key: str
    header: str
    scheme: str
    base_path: str
    clock: ServerClock
    time_unit: TimeUnit
    logins: tuple[str, ...]

    @property
    def headers(self) -> Mapping[str, str]:
        """What authenticates a request."""
        return {self.header: f"{self.scheme} {self.api_key}" if self.scheme else self.api_key}

    def path(self, login: str, endpoint: str) -> str:
        """The path of an endpoint for one account."""
        return f"{self.base_path.replace(ACCOUNT_PLACE, login)}/{endpoint}"


def read_settings(credentials: Mapping[str, str], *, base_url: str = "") -> Settings:
    """The settings of a connection; `base_url`, where it is given, wins over the trader's.

    Raises UserActionNeededError (setup_incomplete, credentials_rejected) naming the field and what it should be.
    """
    said = {field.name: credentials.get(field.name, "").strip() or field.default for field in MANIFEST.auth_fields}
    if not _KEY.fullmatch(said["api_key"]):
        # Anything else can't be sent in a header, and the error of trying would print it.
        raise UserActionNeededError(
            ErrorCode.CREDENTIALS_REJECTED, "The API key is empty or has characters that no key can have."
        )
    header, scheme = _header(said["header"])
    path = said["base_path"].rstrip("/")
    if not _PATH.fullmatch(path) or ".." in path:
        _refuse("base_path", "begins with / and has names and {id} between slashes: /api/mt5/account/{id}")
    return Settings(
        base_url=base_url or checked_base_url(said["base_url"]),
        api_key=said["api_key"],
        header=header,
        scheme=scheme,
        base_path=path,
        clock=_clock(said["server_zone"]),
        time_unit=_time_unit(said["time_unit"]),
        logins=_logins(said["login"]),
    )


def is_login(text: str) -> bool:
    """Whether a text can be the number of an MT5 account."""
    return bool(_LOGIN.fullmatch(text))


def _header(text: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(text)
    if match is None or match.group(1).lower() in _NOT_KEYS:
        _refuse("header", "is a header's name such as X-API-Key, or `Authorization: Bearer`")
    name, scheme = match.groups()
    return name, scheme or ("Bearer" if name.lower() == "authorization" else "")


def _clock(text: str) -> ServerClock:
    try:
        return ServerClock.of(text)
    except BadZoneError as error:
        _refuse("server_zone", f"can't be used: {error}")


def _time_unit(text: str) -> TimeUnit:
    try:
        return TimeUnit(text.lower())
    except ValueError:
        _refuse("time_unit", "is one of s, ms and iso")


def _logins(text: str) -> tuple[str, ...]:
    logins = tuple(filter(None, re.split(r"[,\s]+", text)))
    if not all(map(is_login, logins)):
        _refuse("login", "is an account number such as 52557820, or several separated by commas")
    return tuple(dict.fromkeys(logins))


def _refuse(field: str, expected: str) -> NoReturn:
    label = next(one.label for one in MANIFEST.auth_fields if one.name == field)
    raise UserActionNeededError(ErrorCode.SETUP_INCOMPLETE, f"{label} ({field}) {expected}.")
