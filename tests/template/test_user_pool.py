"""The user pool that the template offers to those who have no issuer of their own."""

from tests.template.reading import resources, text_of, written

COGNITO = {name: one for name, one in written()["Resources"].items() if one["Type"].startswith("AWS::Cognito::")}


def test_the_user_pool_is_an_option_and_comes_whole_or_not_at_all() -> None:
    # given what belongs to Cognito; then all of it hangs on the one condition, which a name for its login page fulfils
    assert {one.get("Condition") for one in COGNITO.values()} == {"HasUserPool"}
    assert written()["Conditions"]["HasUserPool"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CognitoDomain"}, ""]}]}


def test_i7_nobody_signs_up_by_himself_and_production_keeps_its_users() -> None:
    # given the pool
    (pool,) = resources(written(), "AWS::Cognito::UserPool").values()
    # then an administrator makes the users
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    # and an update or a deletion of the stack loses none of them
    assert COGNITO["UserPool"]["UpdateReplacePolicy"] == "Retain"
    assert COGNITO["UserPool"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert pool["DeletionProtection"] == {"Fn::If": ["IsProd", "ACTIVE", "INACTIVE"]}


def test_i7_the_page_signs_in_by_code_without_a_secret_and_the_login_leads_nowhere_else() -> None:
    # given the page's client
    (page,) = resources(written(), "AWS::Cognito::UserPoolClient").values()
    # then it has no secret that a page couldn't keep, and gets codes only, never tokens in an address
    assert page["GenerateSecret"] is False
    assert page["AllowedOAuthFlows"] == ["code"]
    # and no password can be tried through it
    assert page["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    assert page["PreventUserExistenceErrors"] == "ENABLED"
    # and one comes back to the page: its own domain, or the API's
    (callback,) = page["CallbackURLs"]
    condition, own, default = callback["Fn::If"]
    assert (condition, own, text_of(default)) == ("HasPageUrl", {"Ref": "PageUrl"}, "${HttpApi.ApiEndpoint}/")
    assert page["LogoutURLs"] == page["CallbackURLs"]


def test_the_page_learns_of_the_pool_when_there_is_one() -> None:
    # given what the API's function is told of the sign-in
    told = written()["Resources"]["ApiFunction"]["Properties"]["Environment"]["Variables"]
    of_pool = {name: value["Fn::If"][1] for name, value in told.items() if name.startswith("SIGN_IN_")}
    # then with a pool it is the pool's issuer, the page's client, and the origin where Cognito has its tokens
    issuer = "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}"
    assert text_of(of_pool["SIGN_IN_ISSUER"]) == issuer
    assert of_pool["SIGN_IN_CLIENT_ID"] == {"Ref": "UserPoolPage"}
    assert text_of(of_pool["SIGN_IN_ORIGINS"]) == ("https://${UserPoolDomain}.auth.${AWS::Region}.amazoncognito.com")
