"""Ids that are made from what they name: a user from the verified token, feeds and accounts from their connection.

So no table holds an issuer's name or subject, and a worker that makes something twice makes one.
"""

import hashlib


def user_id(issuer: str, subject: str) -> str:
    """The user id of a token's `iss` and `sub` claims: 32 hex digits. Raises ValueError when one is empty."""
    if not issuer or not subject:
        raise ValueError("a token needs an issuer (iss) and a subject (sub)")
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:32]


def account_id_in(owner_id: str, broker_account_id: str) -> str:
    """Our id of an account that a feed or a connection brings: the same however often it is found."""
    return f"acc_{_digest(owner_id, broker_account_id)}"


def first_feed_id(connection_id: str) -> str:
    """The feed that a new connection begins with: the feed of the whole connection, or its set-up feed."""
    return f"feed_{_digest(connection_id, 'first')}"


def erase_feed_id(connection_id: str) -> str:
    """The feed whose runs erase what a removed connection left."""
    return f"feed_{_digest(connection_id, 'erase')}"


def _digest(owner_id: str, name: str) -> str:
    return hashlib.sha256(f"{owner_id}\n{name}".encode()).hexdigest()[:26]
