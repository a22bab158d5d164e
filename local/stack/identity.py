"""The laptop's OpenID issuer: who may sign in, and the tokens they get. Its server is in local/stack/login.py."""

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

AUDIENCE = "brokersync"
PAGE_CLIENT = "brokersync-page"
TOKEN_SECONDS = 8 * 3600
CODE_SECONDS = 60
_KEY_ID = "laptop"
_ALGORITHM = "RS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can sign in. `about` stands beside the name on the login page; `claims` go into each token."""

    subject: str
    about: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a code or a refresh token stands for. `challenge` is PKCE's, empty for a refresh token."""

    person: Person
    client_id: str
    redirect_uri: str = ""
    challenge: str = ""
    nonce: str = ""
    expires: float = float("inf")  # by time.monotonic()


class LocalIssuer:
    """Signs tokens with a key that is made at every start and never written down.

    `issuer` is its address, known once it is served. `redirect_uris` are where a login may lead back to, exactly; the
    page's is known once it is deployed.
    """

    def __init__(self, people: Sequence[Person] = ()) -> None:
        self.issuer = ""
        self.people = {person.subject: person for person in people}
        self.redirect_uris: set[str] = set()
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._grants: dict[str, Grant] = {}
        self._lock = threading.Lock()

    def admit(self, person: Person) -> None:
        """Let somebody more sign in."""
        self.people[person.subject] = person

    def keys(self) -> Mapping[str, object]:
        """The public key as a JWK set, by which everybody can check the tokens."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": _KEY_ID, "use": "sig", "alg": _ALGORITHM}]}

    def token(self, subject: str, *, seconds: int = TOKEN_SECONDS, **claims: str) -> str:
        """A signed token for a subject, good for `seconds` from now; `claims` replace the usual ones."""
        now = int(time.time())
        person = self.people.get(subject, Person(subject=subject))
        usual = {"iss": self.issuer, "aud": AUDIENCE, "sub": subject, "iat": now - 1, "exp": now + seconds}
        payload = {**usual, **person.claims, **claims}
        return jwt.encode(payload, self._key, algorithm=_ALGORITHM, headers={"kid": _KEY_ID})

    def remember(self, grant: Grant) -> str:
        """Keep a grant under a random name that nobody can guess."""
        name = secrets.token_urlsafe(32)
        with self._lock:
            self._grants[name] = grant
        return name

    def redeem(self, name: str) -> Grant | None:
        """The grant of that name, once: it is forgotten. None for one that is unknown, used or too old."""
        with self._lock:
            grant = self._grants.pop(name, None)
        return grant if grant and time.monotonic() < grant.expires else None
