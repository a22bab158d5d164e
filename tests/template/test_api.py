"""The HTTP API's routes in the template are those of the function, and what needs a token there needs one here."""

import json

from tests.template.reading import resources, written
from tests.unit.functions.api_world import ApiWorld

USER_POOL = "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}"
ROUTES = resources(written(), "AWS::ApiGatewayV2::Route")


def test_the_gateway_has_the_functions_routes_with_the_same_protection() -> None:
    # given the routes of the function's own OpenAPI document, and which of them need a token
    document = json.loads(ApiWorld().get("/openapi.json").body)
    of_function = {
        f"{method.upper()} {path}": "JWT" if "security" in operation else "NONE"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    # then the gateway has the same, and one more for whatever is none of them, which needs no token to be told so
    of_gateway = {route["RouteKey"]: route["AuthorizationType"] for route in ROUTES.values()}
    assert of_gateway == of_function | {"$default": "NONE"}
    # and the public ones are the page, its files, health and the document
    assert {key for key, kind in of_function.items() if kind == "NONE"} == {
        "GET /",
        "GET /static/{file}",
        "GET /health",
        "GET /openapi.json",
    }


def test_i7_a_protected_route_asks_the_authorizer_for_issuer_and_audience() -> None:
    # given the one authorizer
    ((name, authorizer),) = resources(written(), "AWS::ApiGatewayV2::Authorizer").items()
    # then it takes both from the parameters, or from the user pool where there is one
    assert authorizer["JwtConfiguration"] == {
        "Issuer": {"Fn::If": ["HasUserPool", {"Fn::Sub": USER_POOL}, {"Ref": "JwtIssuer"}]},
        "Audience": [{"Fn::If": ["HasUserPool", {"Ref": "UserPoolPage"}, {"Ref": "JwtAudience"}]}],
    }
    # and no parameter has a default that would let a stranger in
    assert {written()["Parameters"][name]["Default"] for name in ("JwtIssuer", "JwtAudience", "CognitoDomain")} == {""}
    # and a stack without issuer, or with two, is refused before anything is made
    (rule,) = written()["Rules"].values()
    assert {name for name in ("JwtIssuer", "JwtAudience", "CognitoDomain") if name in json.dumps(rule)} == {
        "JwtIssuer",
        "JwtAudience",
        "CognitoDomain",
    }
    # and every protected route uses it
    protected = [route for route in ROUTES.values() if route["AuthorizationType"] == "JWT"]
    assert len(protected) >= 7
    assert all(route["AuthorizerId"] == {"Ref": name} for route in protected)


def test_every_route_reaches_the_function() -> None:
    # given the one integration; then it speaks payload 2.0, which the function reads, and every route leads to it
    ((name, integration),) = resources(written(), "AWS::ApiGatewayV2::Integration").items()
    assert integration["PayloadFormatVersion"] == "2.0"
    assert all(route["Target"] == {"Fn::Sub": f"integrations/${{{name}}}"} for route in ROUTES.values())


def test_the_stage_throttles_and_logs_without_a_token() -> None:
    # given the stage; then one caller can't use up the account
    (stage,) = resources(written(), "AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    # and a line of its log is JSON that names the request, and neither user nor token
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert line["requestId"] == "$context.requestId"
    assert not [value for value in line.values() if "claims" in value or "authorization" in value.lower()]
