"""Access tokens: signing in with name, password and API key, and renewing. No answer of these ever becomes a page.

Source: api.tradovate.com, accessTokenRequest and renewAccessToken. A token lives for 80 to 90 minutes; renewing keeps
the login's session, of which only two may be open, where signing in begins another.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from brokersync.brokers.exact_json import an_object, decode, validated
from brokersync.brokers.tradovate import refusals
from brokersync.brokers.tradovate.manifest import MANIFEST
from brokersync.brokers.tradovate.models import Text, Time, Wire
from brokersync.brokers.tradovate.transport import PenalisedError, Transport
from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.ports.brokers import HttpAnswer, SessionToken

SIGN_IN: Final = "/auth/accesstokenrequest"
RENEW: Final = "/auth/renewaccesstoken"
RENEW_BEFORE: Final = timedelta(minutes=40)
"""Half a token's life: syncs that are up to 40 minutes apart never let it end."""
BASE_URL: Final = "base_url"
"""Where a token is good, in its `extra`: there is none unless the login was moved."""

_APP_VERSION: Final = "1.0"


class AccessToken(Wire):
    """The answer to both requests; `user_status` is that of the login."""

    access_token: str = Field(min_length=1)
    expiration_time: Time
    user_status: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What the trader entered."""

    username: str
    password: str = field(repr=False)
    cid: str
    sec: str = field(repr=False)
    app_id: str

    @classmethod
    def of(cls, credentials: Mapping[str, str]) -> "Login":
        """Raises UserActionNeededError for a field that is missing or can't be what it should be."""
        entered = {one.name: credentials.get(one.name, "").strip() or one.default for one in MANIFEST.auth_fields}
        for one in MANIFEST.auth_fields:
            if not entered[one.name]:
                raise _unusable(f"{one.label}: it is empty.")
        if not (entered["cid"].isascii() and entered["cid"].isdigit()):
            raise _unusable("API client ID (cid): it is a number, such as 1234.")
        return cls(**entered)

    @property
    def device_id(self) -> str:
        """Tradovate wants the same id from the same installation: for us that is a login with its API key."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"brokersync:tradovate:{self.username}:{self.cid}"))


class SigningIn:
    """What brokers/live_session needs: sign_in and refresh."""

    def __init__(self, transport: Transport, login: Login, now: datetime) -> None:
        self._transport, self._login, self._now = transport, login, now

    def sign_in(self) -> SessionToken:
        """Begin a session. Raises what a refusal means, and PenalisedError."""
        login = self._login
        answer = self._transport.post(
            SIGN_IN,
            {
                "name": login.username,
                "password": login.password,
                "appId": login.app_id,
                "appVersion": _APP_VERSION,
                "deviceId": login.device_id,
                "cid": int(login.cid),
                "sec": login.sec,
            },
        )
        return self._token_of(answer, SIGN_IN)

    def renew(self, old: SessionToken) -> SessionToken:
        """Go on with a session; the old token where Tradovate has seen too many renewals from our address.

        Those that succeed count, too, of all logins behind one address, and of sign-ins only those that fail: so a
        penalised renewal is not waited for. Raises what a refusal means.
        """
        try:
            return self._token_of(self._transport.get(RENEW, {}, old.token), RENEW)
        except PenalisedError:
            return old

    def _token_of(self, answer: HttpAnswer, path: str) -> SessionToken:
        if error := refusals.of_status(answer.status, path, self._now):
            raise error
        value = an_object(decode(answer.body, path), path)
        if error := refusals.of_user_status(str(value.get("userStatus", "")), self._now):
            raise error
        if refusal := refusals.refusal_of(value, path):
            if refusal.penalty is None:
                raise refusals.of_sign_in(self._safe(refusal.text), self._now)
            raise PenalisedError(path, refusal.penalty, answer.received_at)
        token = validated(AccessToken, value, path)
        return SessionToken(
            token=token.access_token,
            expires_at=token.expiration_time.utc,
            extra={BASE_URL: self._transport.base_url} if self._transport.is_moved else {},
        )

    def _safe(self, text: str) -> str:
        """Tradovate's words, without what it may repeat of the login."""
        for secret in (self._login.password, self._login.sec):
            text = text.replace(secret, "***")
        return text


def _unusable(problem: str) -> UserActionNeededError:
    return UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, f"{problem} Enter it again.")
