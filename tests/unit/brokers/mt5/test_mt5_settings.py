"""What a trader enters: refused by the field that is wrong; and addresses that lead inside are never asked."""

from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from brokersync.brokers.mt5.addresses import is_public, refuse_inner
from brokersync.brokers.mt5.manifest import MANIFEST
from brokersync.brokers.mt5.settings import TimeUnit, read_settings
from brokersync.domain.errors import ErrorCode, RetryLaterError, UserActionNeededError

GOOD = {"base_url": "https://mt5.example.com/", "api_key": "k3y", "server_zone": "+03:00"}


def test_what_is_left_empty_is_as_the_manifest_says() -> None:
    # given only what has to be entered
    assert {field.name for field in MANIFEST.auth_fields if field.required} == set(GOOD)
    # when
    settings = read_settings(GOOD | {"header": " ", "login": ""})
    # then
    assert settings.base_url == "https://mt5.example.com"
    assert settings.headers == {"X-API-Key": "k3y"}
    assert settings.path("52557820", "info") == "/api/mt5/account/52557820/info"
    assert (settings.time_unit, settings.logins) == (TimeUnit.SECONDS, ())


@pytest.mark.parametrize(
    ("entered", "sent"),
    [
        ("Authorization: Bearer", {"Authorization": "Bearer k3y"}),
        ("Authorization Bearer", {"Authorization": "Bearer k3y"}),
        ("authorization", {"authorization": "Bearer k3y"}),
        ("Authorization: Token", {"Authorization": "Token k3y"}),
        ("x-bridge-key", {"x-bridge-key": "k3y"}),
    ],
)
def test_a_key_is_sent_in_the_header_that_was_entered(entered: str, sent: dict[str, str]) -> None:
    assert read_settings(GOOD | {"header": entered}).headers == sent


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("api_key", "", ErrorCode.CREDENTIALS_REJECTED),
        ("api_key", "two words", ErrorCode.CREDENTIALS_REJECTED),
        ("api_key", "kéy", ErrorCode.CREDENTIALS_REJECTED),
        ("api_key", "a\r\nHost: b", ErrorCode.CREDENTIALS_REJECTED),
        ("header", "Host", ErrorCode.SETUP_INCOMPLETE),
        ("header", "content-length", ErrorCode.SETUP_INCOMPLETE),
        ("header", "X-Key\r\nX-Other", ErrorCode.SETUP_INCOMPLETE),
        ("base_path", "api/{id}", ErrorCode.SETUP_INCOMPLETE),
        ("base_path", "/api/../../admin", ErrorCode.SETUP_INCOMPLETE),
        ("base_path", "/api?x={id}", ErrorCode.SETUP_INCOMPLETE),
        ("base_path", "/@elsewhere.example", ErrorCode.SETUP_INCOMPLETE),
        ("base_path", "//elsewhere.example", ErrorCode.SETUP_INCOMPLETE),
        ("server_zone", "Mars/Olympus", ErrorCode.SETUP_INCOMPLETE),
        ("time_unit", "hours", ErrorCode.SETUP_INCOMPLETE),
        ("login", "52557820; 1", ErrorCode.SETUP_INCOMPLETE),
        ("login", "../1", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "http://mt5.example.com", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "mt5.example.com", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "https://", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "https://user:secret@mt5.example.com", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "https://mt5.example.com/api", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "https://mt5.example.com?x=1", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "https://mt5.example.com:99999", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "https://mt5.example.com\\@127.0.0.1", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "https://[::1", ErrorCode.SETUP_INCOMPLETE),
        ("base_url", "file:///etc/passwd", ErrorCode.SETUP_INCOMPLETE),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_told_without_the_key(field: str, value: str, code: ErrorCode) -> None:
    with pytest.raises(UserActionNeededError) as refused:
        read_settings(GOOD | {field: value})
    assert refused.value.code is code
    assert "k3y" not in f"{refused.value} {refused.value.detail}"
    assert "secret" not in str(refused.value)


def test_the_laptops_address_wins_over_the_traders() -> None:
    assert read_settings(GOOD, base_url="http://127.0.0.1:8080").base_url == "http://127.0.0.1:8080"


INNER = (
    "127.0.0.1",
    "10.0.0.5",
    "172.16.3.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 (is refused, not bound)
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:db8::1",
)
PUBLIC = ("93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("address", INNER)
def test_i7_an_inner_address_is_refused_even_beside_a_public_one(address: str) -> None:
    assert not is_public(ip_address(address))

    def resolving(_host: str, _port: int) -> Sequence[str]:
        return [PUBLIC[0], address]

    with pytest.raises(UserActionNeededError, match="inner network") as refused:
        refuse_inner("https://mt5.example.com", resolving=resolving)
    assert refused.value.code is ErrorCode.SETUP_INCOMPLETE


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_asked(address: str) -> None:
    refuse_inner("https://mt5.example.com:8443", resolving=lambda _host, _port: [address])


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "017700000001", "[::1]", "[::ffff:7f00:1]"])
def test_i7_an_address_in_disguise_is_seen_through(host: str) -> None:
    # given a number that the system's resolver takes for an inner address; nothing is looked up on the network
    with pytest.raises(UserActionNeededError, match="inner network"):
        refuse_inner(f"https://{host}")


@pytest.mark.parametrize("error", [OSError("no such host"), UnicodeError("label too long")])
def test_a_name_that_is_not_found_is_tried_again(error: Exception) -> None:
    def resolving(_host: str, _port: int) -> Sequence[str]:
        raise error

    with pytest.raises(RetryLaterError) as failed:
        refuse_inner("https://mt5.example.com", resolving=resolving)
    assert failed.value.code is ErrorCode.BROKER_UNAVAILABLE


def test_a_name_without_addresses_is_not_asked() -> None:
    with pytest.raises(UserActionNeededError):
        refuse_inner("https://mt5.example.com", resolving=lambda _host, _port: [])
