"""Alpaca's facts. Source: docs.alpaca.markets (Trading API: authentication, account, account activities, positions)."""

from datetime import timedelta
from typing import Final

from brokersync.domain.feeds import FetchScope
from brokersync.domain.manifests import (
    AuthField,
    Environment,
    LimitHeader,
    LimitScope,
    LimitWindow,
    Manifest,
    ResetForm,
)

ACCOUNT: Final = "account"
ACTIVITIES: Final = "activities"
POSITIONS: Final = "positions"

MANIFEST = Manifest(
    slug="alpaca",
    name="Alpaca",
    documentation_url="https://docs.alpaca.markets/docs/trading-api",
    fetch_scope=FetchScope.ACCOUNT,
    environments=(
        Environment(name="paper", base_url="https://paper-api.alpaca.markets/v2"),
        Environment(name="live", base_url="https://api.alpaca.markets/v2"),
    ),
    auth_fields=(
        AuthField(
            name="api_key_id",
            label="API key ID",
            help="On Alpaca's dashboard: API Keys, Generate. Paper and live accounts have keys of their own.",
            secret=False,
        ),
        AuthField(
            name="api_secret_key",
            label="API secret key",
            help="Shown once, when the key is generated. Generating again ends the key before.",
        ),
    ),
    setup_help="Open the account's dashboard at Alpaca (paper or live), generate an API key, choose the same "
    "environment here, and enter the key ID and the secret key. A pair of keys opens one account.",
    limit_scope=LimitScope.CREDENTIAL,
    limits=(LimitWindow(count=200, seconds=60.0),),
    useful_interval_min=5,
    history_depth_days=None,  # everything since the account was made
    overlap=timedelta(days=1),
    perishable=False,
    unique_id="account number + activity id",
    sections=(ACCOUNT, ACTIVITIES, POSITIONS),
    news_note="Regulatory and crypto fees are posted at the end of the trading day or on the day after.",
    uncited=(ACCOUNT, POSITIONS),
    limit_headers=(LimitHeader(reset="x-ratelimit-reset", form=ResetForm.UNIX, remaining="x-ratelimit-remaining"),),
)
