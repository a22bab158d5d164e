"""The template's user pool as it is deployed: the page is sent there, and nobody gets in without its tokens."""

import httpx
import pytest

from local.stack.deploy import deploy, local_parameters
from local.stack.emulator import Emulator

pytestmark = pytest.mark.stack


def test_i7_a_stack_with_a_user_pool_signs_in_there_and_lets_nobody_else_in(emulator: Emulator) -> None:
    # given a stack that has no issuer but a name for a login page
    without_issuer = local_parameters(jwt_issuer="", jwt_audience="", page_client_id="", broker_endpoints="{}")
    deployed = deploy(emulator, {**without_issuer, "CognitoDomain": "traders"})
    page = f"{emulator.endpoint}/_aws/execute-api/{deployed.outputs['ApiId']}/$default"

    # then the page is told of the pool and of its own client there
    told = httpx.get(f"{page}/static/sign-in.json")
    pool = f"https://cognito-idp.us-east-1.amazonaws.com/{deployed.resources['UserPool']}"
    assert told.json() == {"issuer": pool, "client_id": deployed.resources["UserPoolPage"], "scope": "openid"}

    # and may ask the pool and its login page, and nobody else
    policy = dict(part.split(" ", 1) for part in told.headers["content-security-policy"].split("; "))
    login = "https://traders.auth.us-east-1.amazoncognito.com"
    assert policy["connect-src"].split() == ["'self'", "https://cognito-idp.us-east-1.amazonaws.com", login]

    # and a request without the pool's token ends at the gateway
    assert httpx.get(f"{page}/trading-accounts").status_code == 401
