"""A broker's session during one fetch: renewed before its end, and once refused, before a credential is called revoked.

The order is always the same: what another worker has stored meanwhile, then one refresh, then one new sign-in. A
refresh that succeeds with the same or a dead token counts as none.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from brokersync.domain.errors import BrokerChangedError, UserActionNeededError
from brokersync.ports.brokers import HttpAnswer, Session, SessionToken

log = logging.getLogger(__name__)

RENEW_BEFORE = timedelta(minutes=5)  # longer than a run, so that no token ends in the middle of one

SignIn = Callable[[], SessionToken]
Refresh = Callable[[SessionToken], SessionToken]


class LiveSession:
    """Asks a broker with a token that is good.

    Whatever `sign_in` and `refresh` raise comes out, but for a refresh that the broker refuses (UserActionNeededError):
    then it is signed in anew, and only if that is refused, too, the credential is.
    """

    def __init__(
        self,
        session: Session,
        *,
        now: datetime,
        sign_in: SignIn,
        refresh: Refresh | None = None,
        renew_before: timedelta = RENEW_BEFORE,
    ) -> None:
        """`now` is the fetch's. Without `refresh` the broker only knows signing in.

        `renew_before` its end a token is renewed: longer than the time between syncs, where signing in is to be spared.
        """
        self._session = session
        self._now = now
        self._renew_before = renew_before
        self._sign_in = sign_in
        self._refresh = refresh
        self._held: SessionToken | None = None

    def token(self) -> SessionToken:
        """The token to ask with: the stored one while it is good for long enough, else a new one."""
        if self._held is None:
            stored = self._session.current()
            if stored is not None and stored.expires_at - self._renew_before > self._now:
                self._held = stored
            else:
                self._held = self._renewed(stored)
        return self._held

    def ask(self, send: Callable[[SessionToken], HttpAnswer], refused: Callable[[HttpAnswer], bool]) -> HttpAnswer:
        """Ask; where the token is refused, again with another one, and then with that of a new sign-in.

        Returns the last answer, refused or not: the fetch yields it as a page and says what it means.
        """
        answer = send(self.token())
        if refused(answer):
            self._held, signed_in = self._replaced(self.token())
            answer = send(self._held)
            if refused(answer) and not signed_in:
                self._held = self._signed_in()
                answer = send(self._held)
        return answer

    def _renewed(self, old: SessionToken | None) -> SessionToken:
        return (self._refreshed(old) if old is not None else None) or self._signed_in()

    def _replaced(self, refused: SessionToken) -> tuple[SessionToken, bool]:
        """Another token than the refused one, and whether it comes from a new sign-in."""
        stored = self._session.current()
        if stored is not None and stored.token != refused.token and stored.expires_at > self._now:
            return stored, False
        refreshed = self._refreshed(refused)
        return (refreshed, False) if refreshed is not None else (self._signed_in(), True)

    def _refreshed(self, old: SessionToken) -> SessionToken | None:
        if self._refresh is None or old.expires_at <= self._now:
            return None
        try:
            new = self._refresh(old)
        except UserActionNeededError as error:
            log.warning("session_refresh_refused", extra={"error_code": error.code.value})
            return None
        if new.token == old.token or new.expires_at <= self._now:
            log.warning("session_refresh_gave_no_new_token", extra={"same": new.token == old.token})
            return None
        return self._session.renew(new)

    def _signed_in(self) -> SessionToken:
        new = self._sign_in()
        if new.expires_at <= self._now:
            raise BrokerChangedError(
                "The broker let us in with a session that has ended already.",
                detail=f"signed in at {self._now.isoformat()}, expired at {new.expires_at.isoformat()}",
            )
        return self._session.renew(new)
