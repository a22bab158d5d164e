"""In which language a request is answered."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from brokersync.domain.messages import Locale, accepted
from brokersync.ports.users import UsersReader

from .parameters import UnauthenticatedError, user_of


class Languages:
    """The language of the request that the app works on: what it names, else what its user chose, else English."""

    def __init__(self, app: APIGatewayHttpResolver, users: UsersReader) -> None:
        self._app, self._users = app, users

    def __call__(self) -> Locale:
        """The language. The user's row is read only when the request names none that we speak."""
        return self.named() or self._chosen() or Locale.EN

    def named(self) -> Locale | None:
        """The language of Accept-Language; it asks nobody."""
        return accepted(self._app.current_event.headers.get("accept-language") or "")

    def _chosen(self) -> Locale | None:
        try:
            user_id = user_of(self._app.current_event.raw_event)
        except UnauthenticatedError:
            return None
        return self._users.settings(user_id).locale
