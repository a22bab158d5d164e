"""A local OpenID issuer: two objects in the laptop's own S3, by which the API's JWT authorizer checks our tokens."""

import base64
import json
import time
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.stack.emulator import Emulator

AUDIENCE = "brokersync"
BUCKET = "brokersync-issuer"
_KEY_ID = "laptop"


class LocalIssuer:
    """Signs tokens with a key that is made at every start and never written down."""

    def __init__(self, endpoint: str) -> None:
        self.issuer = f"{endpoint}/{BUCKET}"
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def publish(self, emulator: Emulator) -> None:
        """Put the issuer's documents where the authorizer looks for them, readable without credentials."""
        s3 = emulator.session.client("s3", endpoint_url=emulator.endpoint)
        s3.create_bucket(Bucket=BUCKET)
        s3.delete_public_access_block(Bucket=BUCKET)
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(_PUBLIC_READ))
        discovery = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/.well-known/jwks.json"}
        for name, document in (("openid-configuration", discovery), ("jwks.json", {"keys": [self._public_key()]})):
            body = json.dumps(document).encode()
            s3.put_object(Bucket=BUCKET, Key=f".well-known/{name}", Body=body, ContentType="application/json")

    def token(self, subject: str, *, seconds: int = 8 * 3600, **claims: str) -> str:
        """A signed token (RS256) for a subject, good for `seconds` from now; `claims` replace the usual ones."""
        now = int(time.time())
        payload: dict[str, str | int] = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now - 1,
            "exp": now + seconds,
            **claims,
        }
        signed = f"{_encoded({'alg': 'RS256', 'typ': 'JWT', 'kid': _KEY_ID})}.{_encoded(payload)}"
        return f"{signed}.{_base64url(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def _public_key(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        n, e = (_base64url(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.n, numbers.e))
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _KEY_ID, "n": n, "e": e}


_PUBLIC_READ = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    ],
}


def _encoded(part: Mapping[str, str | int]) -> str:
    return _base64url(json.dumps(part, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
