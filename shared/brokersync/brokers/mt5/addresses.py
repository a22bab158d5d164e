"""Whether a bridge's address may be asked: a trader types it, and our servers ask it.

So that nobody has us ask our own network: https only, and every address that the name resolves to is a public one.
The name is resolved again by the HTTP client a moment later, and could then lead elsewhere. What is reached there must
still prove by its certificate that it has the name, before anything is sent: no inner service has one for it.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from brokersync.domain.errors import ErrorCode, RetryLaterError, UserActionNeededError

Resolve = Callable[[str, int], Sequence[str]]
"""Addresses of a host, as texts. Raises OSError when it has none."""

_HTTPS_PORT = 443
_NAT64 = IPv6Network("64:ff9b::/96")  # what is behind it is an IPv4 address, perhaps an inner one


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a host, as the HTTP client would find them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def checked_base_url(text: str) -> str:
    """The address in the form that is asked: `https://host` or `https://host:port`. Looks nothing up.

    Raises UserActionNeededError (setup_incomplete) saying what is wrong with it.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _unusable("is not an address") from None
    if parts.scheme.lower() != "https":
        raise _unusable("has to begin with https://")
    if not host or not all(" " < character < "\x7f" and character not in "%\\<>\"'" for character in host):
        raise _unusable("has no host name")
    if parts.username is not None or parts.password is not None:
        raise _unusable("must not hold a user or password: enter the API key in its own field")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _unusable("must end after the host: enter the path in its own field")
    named = f"[{host}]" if ":" in host else host
    return f"https://{named}" + (f":{port}" if port else "")


def refuse_inner(base_url: str, *, resolving: Resolve = resolve) -> None:
    """Refuse an address that leads anywhere but to the internet; asked before each request.

    Raises UserActionNeededError (setup_incomplete), or RetryLaterError when the name can't be looked up.
    """
    parts = urlsplit(base_url)
    try:
        found = resolving(parts.hostname or "", parts.port or _HTTPS_PORT)
    except (OSError, UnicodeError):
        raise RetryLaterError(
            ErrorCode.BROKER_UNAVAILABLE, "The address of the bridge can't be found: check it if this goes on."
        ) from None
    if not found or not all(is_public(ip_address(one.partition("%")[0])) for one in found):
        raise _unusable("leads to an inner network: it has to be reachable from the internet")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the internet's, also where it stands for another one."""
    if isinstance(address, IPv6Address):
        within = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            within = IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None:
            return is_public(within)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _unusable(problem: str) -> UserActionNeededError:
    return UserActionNeededError(ErrorCode.SETUP_INCOMPLETE, f"Bridge address: it {problem}.")
