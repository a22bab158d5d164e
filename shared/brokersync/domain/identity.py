"""Who a trader is: an id derived from the verified token, so that no table holds an issuer's name or subject."""

import hashlib


def user_id(issuer: str, subject: str) -> str:
    """The user id of a token's `iss` and `sub` claims: 32 hex digits. Raises ValueError when one is empty."""
    if not issuer or not subject:
        raise ValueError("a token needs an issuer (iss) and a subject (sub)")
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:32]
