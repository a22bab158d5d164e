"""OANDA's facts. Source: developer.oanda.com/rest-live-v20 (introduction, account-ep, trade-ep, transaction-ep)."""

from datetime import timedelta
from typing import Final

from brokersync.domain.feeds import FetchScope
from brokersync.domain.manifests import AuthField, Environment, LimitScope, LimitWindow, Manifest

SUMMARY: Final = "summary"
TRANSACTIONS: Final = "transactions"
OPEN_TRADES: Final = "openTrades"

MANIFEST = Manifest(
    slug="oanda",
    name="OANDA",
    documentation_url="https://developer.oanda.com/rest-live-v20/introduction/",
    fetch_scope=FetchScope.ACCOUNT,
    environments=(
        Environment(name="practice", base_url="https://api-fxpractice.oanda.com/v3"),
        Environment(name="live", base_url="https://api-fxtrade.oanda.com/v3"),
    ),
    auth_fields=(
        AuthField(
            name="token",
            label="Personal access token",
            help="In OANDA's account management portal: Manage API access, Generate. A token works either for practice "
            "or for live accounts, not for both, and a new one replaces the old one.",
        ),
    ),
    setup_help="Generate a personal access token in OANDA's account management portal (Manage API access), choose the "
    "same environment here, and enter the token. OANDA Global Markets and TMS accounts have no API access.",
    limit_scope=LimitScope.PROCESS,  # OANDA counts by connection and address, not by token
    limits=(LimitWindow(count=120, seconds=1.0),),
    useful_interval_min=5,
    history_depth_days=None,  # every transaction since the account was made
    overlap=timedelta(0),  # ids are gapless and nothing is booked late
    perishable=False,
    unique_id="transaction id + tradeID + leg kind; the ids of an account's transactions have no gaps",
    sections=(SUMMARY, TRANSACTIONS, OPEN_TRADES),
    uncited=(SUMMARY, OPEN_TRADES),
)
