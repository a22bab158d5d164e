"""Tradovate's facts. Source: api.tradovate.com, partner.tradovate.com (rate limits, penalty tickets, maintenance)."""

from datetime import time, timedelta
from typing import Final

from brokersync.domain.feeds import FetchScope
from brokersync.domain.manifests import (
    AuthField,
    Environment,
    LimitScope,
    LimitWindow,
    Manifest,
    RetryPolicy,
    TradingSession,
)

ACCOUNTS: Final = "accounts"
CURRENCIES: Final = "currencies"
ORDERS: Final = "orders"
POSITIONS: Final = "positions"
CONTRACTS: Final = "contracts"
MATURITIES: Final = "maturities"
PRODUCTS: Final = "products"
FEES: Final = "fill_fees"
PAIRS: Final = "fill_pairs"
CASH_LOG: Final = "cash_log"
FILLS: Final = "fills"
CASH_BALANCES: Final = "cash_balances"
SNAPSHOTS: Final = "cash_balance_snapshots"
SAVED: Final = "saved"
"""A saved document that holds lists of several entities, such as the first answer of user/syncrequest."""

SESSION: Final = TradingSession(zone="America/Chicago", weekdays=(0, 1, 2, 3, 4), closes=time(16), rolls=time(17))
"""Futures rest from 16:00 to 17:00 in Chicago; Tradovate archives meanwhile, and then the next trade date begins."""

LOCKED_OUT: Final = timedelta(hours=1)
"""How long Tradovate wants no request after 429, 423 or a captcha: asking meanwhile lengthens it."""

_TRUSTED: Final = ".tradovateapi.com"

MANIFEST = Manifest(
    slug="tradovate",
    name="Tradovate",
    documentation_url="https://api.tradovate.com",
    fetch_scope=FetchScope.CONNECTION,
    environments=(
        Environment(name="demo", base_url="https://demo.tradovateapi.com/v1", trusted_suffix=_TRUSTED),
        Environment(name="live", base_url="https://live.tradovateapi.com/v1", trusted_suffix=_TRUSTED),
    ),
    auth_fields=(
        AuthField(
            name="username",
            label="Username",
            help="The name with which you log in to Tradovate.",
            secret=False,
        ),
        AuthField(
            name="password",
            label="Password",
            help="The password of that login, or the API key's own one where you gave it a dedicated password.",
        ),
        AuthField(
            name="cid",
            label="API client ID (cid)",
            help="Shown when the API key is made: Application Settings, API Access, Generate API Key.",
            secret=False,
        ),
        AuthField(
            name="sec",
            label="API secret (sec)",
            help="Shown once, together with the client ID.",
        ),
        AuthField(
            name="app_id",
            label="App name (appId)",
            help="Only where Tradovate bound the API key to an app's name; else leave it empty.",
            secret=False,
            required=False,
            default="brokersync",
        ),
    ),
    setup_help="At Tradovate subscribe to API Access (Application Settings), generate an API key that may read Account "
    "Information, Orders, Positions, Contract Library and Risks, and enter its client ID and secret with your login. "
    "Choose demo for simulated accounts (most funded-trader accounts are), live for accounts with real money. "
    "Tradovate's API tells the present session only: import earlier days from a report, and stay connected.",
    limit_scope=LimitScope.CREDENTIAL,
    counted_by=("username",),
    limits=(LimitWindow(count=5000, seconds=3600.0),),
    useful_interval_min=15,
    history_depth_days=1,  # the present session
    overlap=timedelta(days=1),  # all of it, at every sync
    perishable=True,
    unique_id="environment + fill id; one order's fills may be equal in everything else",
    sections=(ACCOUNTS, POSITIONS, CASH_LOG, FILLS, CASH_BALANCES, SNAPSHOTS),
    news_note="The lists hold the present session, until 17:00 in Chicago; from 16:00 on, and at weekends, nothing is "
    "traded.",
    uncited=(
        ACCOUNTS,
        CURRENCIES,
        ORDERS,
        POSITIONS,
        CONTRACTS,
        MATURITIES,
        PRODUCTS,
        FEES,
        PAIRS,
        CASH_BALANCES,
        SNAPSHOTS,
    ),
    session=SESSION,
    retry=RetryPolicy(rate_limited_pause=LOCKED_OUT),
)
