"""SnapTrade's facts. Source: docs.snaptrade.com (authentication methods, signatures, syncing, rate limiting)."""

import re
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
CONNECTION: Final = "connection"
ACTIVITIES: Final = "activities"
BALANCES: Final = "balances"
POSITIONS: Final = "positions"

MANIFEST = Manifest(
    slug="snaptrade",
    name="SnapTrade",
    documentation_url="https://docs.snaptrade.com",
    fetch_scope=FetchScope.ACCOUNT,
    environments=(Environment(name="live", base_url="https://api.snaptrade.com"),),
    auth_fields=(
        AuthField(
            name="client_id",
            label="Client ID",
            help="On SnapTrade's dashboard, under API keys.",
            secret=False,
        ),
        AuthField(
            name="consumer_key",
            label="Consumer key",
            help="Shown beside the client ID, once, when the key is made. Requests are signed with it.",
        ),
        AuthField(
            name="user_id",
            label="User ID",
            help="Only with a Commercial key: the SnapTrade user whose accounts these are. Leave it empty with a "
            "Personal key.",
            secret=False,
            required=False,
        ),
        AuthField(
            name="user_secret",
            label="User secret",
            help="Only with a Commercial key: SnapTrade gave it when the user was registered.",
            required=False,
        ),
    ),
    setup_help="Connect your brokers on SnapTrade's dashboard (read access is enough), make an API key there, and "
    "enter its client ID and consumer key. With a Commercial key, enter the user ID and the user secret too.",
    limit_scope=LimitScope.CREDENTIAL,
    limits=(LimitWindow(count=250, seconds=60.0),),
    counted_by=("client_id",),
    limit_headers=tuple(
        LimitHeader(reset=f"x-ratelimit-{of}reset", form=ResetForm.SECONDS, remaining=f"x-ratelimit-{of}remaining")
        for of in ("", "account-")  # of the client, and of one account with a Personal key
    ),
    useful_interval_min=240,  # transactions are loaded once a day, at a time that nobody tells
    history_depth_days=None,  # as far back as the institution tells
    overlap=timedelta(days=14),
    perishable=False,
    unique_id="account + activity id; SnapTrade may give an activity another id: then its content tells which it is",
    sections=(ACCOUNT, ACTIVITIES, BALANCES, POSITIONS),
    news_note="SnapTrade loads transactions once a day, up to the day before: today's trades come tomorrow.",
    volatile=(
        re.compile(rb'"last_successful_sync"\s*:\s*"[0-9-]{10}[ T][^"]*"'),  # of figures; of transactions it is a date
        re.compile(rb'"as_of"\s*:\s*"[^"]*"'),
        re.compile(rb'"updated_date"\s*:\s*"[^"]*"'),
    ),
    uncited=(ACCOUNT, CONNECTION, BALANCES, POSITIONS),
    reissues_ids=True,
)
