"""The two requests of the Flex Web Service. The token is a query parameter: it goes to HTTP and nowhere else."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from brokersync.brokers.ibkr_flex.answers import is_statement, read_envelope
from brokersync.brokers.ibkr_flex.manifest import GET_STATEMENT, SEND_REQUEST, UNEXPECTED
from brokersync.brokers.ibkr_flex.values import compact
from brokersync.brokers.ibkr_flex.windows import Window
from brokersync.domain.errors import ErrorCode, UserActionNeededError
from brokersync.domain.pages import RawPage
from brokersync.ports.brokers import FetchContext

VERSION: Final = "3"
_HEADERS = ("content-type", "date")


class FlexClient:
    """Asks the service of one connection. Each answer comes as a page whose section says what it is."""

    def __init__(self, context: FetchContext) -> None:
        """Raises UserActionNeededError (setup_incomplete) when token or query id is empty."""
        self._http = context.http
        self._base_url = context.base_url
        self._trusted_suffix = context.environment.trusted_suffix
        self._token = _credential(context, "token")
        self._query_id = _credential(context, "query_id")

    @property
    def statement_url(self) -> str:
        """Where statements are fetched, by the documentation."""
        return f"{self._base_url}/GetStatement"

    def send_request(self, window: Window) -> RawPage:
        """Ask for a statement of these days. Raises as BrokerHttp.get."""
        asked = {
            "q": self._query_id,
            "fd": compact(window.first),
            "td": compact(window.last),
            "v": VERSION,
        }
        return self._ask(f"{self._base_url}/SendRequest", asked, statement_is=UNEXPECTED, envelope_is=SEND_REQUEST)

    def get_statement(self, url: str, reference: str, section: str) -> RawPage:
        """Fetch the statement of a reference code; a statement's page gets the section. Raises as BrokerHttp.get."""
        asked = {"q": reference, "v": VERSION}
        return self._ask(url, asked, statement_is=section, envelope_is=GET_STATEMENT)

    def trusts(self, url: str) -> bool:
        """Whether the token may go to an address that an answer named: IBKR's own, or the one we use already."""
        try:
            named, ours = urlsplit(url), urlsplit(self._base_url)
            if (named.scheme, named.netloc) == (ours.scheme, ours.netloc):
                return True
            host = named.hostname or ""
            return named.scheme == "https" and named.netloc == host and host.endswith(self._trusted_suffix)
        except ValueError:
            return False

    def _ask(self, url: str, asked: Mapping[str, str], *, statement_is: str, envelope_is: str) -> RawPage:
        answer = self._http.get(url, params={"t": self._token, **asked})
        section = UNEXPECTED
        if answer.status == 200:
            if is_statement(answer.body):
                section = statement_is
            elif read_envelope(answer.body) is not None:
                section = envelope_is
        return RawPage(
            section=section,
            method="GET",
            path=urlsplit(url).path.rpartition("/")[2],
            params=asked,
            status=answer.status,
            received_at=answer.received_at,
            body=answer.body,
            headers={name: answer.headers[name] for name in _HEADERS if name in answer.headers},
        )


def _credential(context: FetchContext, name: str) -> str:
    value = context.credentials.get(name, "").strip()
    if not value:
        raise UserActionNeededError(ErrorCode.SETUP_INCOMPLETE, f"The connection has no {name}: enter it again.")
    return value
