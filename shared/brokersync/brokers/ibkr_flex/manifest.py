"""IBKR's facts. Source: ibkrguides.com/clientportal/performanceandstatements (Flex Web Service, Flex Queries)."""

import re
from datetime import timedelta
from typing import Final

from brokersync.domain.feeds import FetchScope
from brokersync.domain.manifests import AuthField, Environment, LimitScope, LimitWindow, Manifest

SEND_REQUEST: Final = "send_request"
"""What SendRequest answered: a reference code, or why there is none."""
GET_STATEMENT: Final = "get_statement"
"""What GetStatement answered instead of a statement: still preparing, or an error."""
OVERVIEW: Final = "overview"
"""The first look at a connection: accounts, figures and positions; its trades come with their window."""
HISTORY: Final = "history"
"""A statement that ends in the past: trades and cash, while its figures are out of date."""
STATEMENT: Final = "statement"
"""The statement up to the last business day: everything."""
UNEXPECTED: Final = "unexpected"
"""An answer that is neither an envelope nor a statement."""
SAVED: Final = "saved"
"""A file that somebody saved: nothing is demanded of its query."""

OVERLAP_DAYS: Final = 7

MANIFEST = Manifest(
    slug="ibkr_flex",
    name="Interactive Brokers (Flex)",
    documentation_url="https://www.ibkrguides.com/clientportal/performanceandstatements/flex-web-service.htm",
    fetch_scope=FetchScope.CONNECTION,
    environments=(
        Environment(
            name="live",
            base_url="https://ndcdyn.interactivebrokers.com/AccountManagement/FlexWebService",
            trusted_suffix=".interactivebrokers.com",
        ),
    ),
    auth_fields=(
        AuthField(
            name="token",
            label="Flex Web Service token",
            help="In Client Portal: Performance & Reports, Flex Queries, Flex Web Service Configuration. Choose a year "
            "of validity and no IP restriction; a new token ends the old one.",
        ),
        AuthField(
            name="query_id",
            label="Flex Query ID",
            help="The number shown beside your Activity Flex Query (Performance & Reports, Flex Queries).",
            secret=False,
        ),
    ),
    setup_help="In Client Portal make an Activity Flex Query with these sections, and in each of them Select All: "
    "Account Information, Cash Report, Cash Transactions (option Detail), Net Asset Value (NAV) in Base, "
    "Open Positions (option Summary), Trades (option Executions). Format XML, date format yyyyMMdd, time format "
    "HHmmss, separator semi-colon. Then switch on the Flex Web Service, make a token, and enter both here.",
    limit_scope=LimitScope.CREDENTIAL,
    counted_by=("token",),
    limits=(LimitWindow(count=1, seconds=1.0), LimitWindow(count=10, seconds=60.0)),
    # A statement is built once a day: four-hourly questions find it, and late bookings, soon enough.
    useful_interval_min=240,
    history_depth_days=None,  # windows of a year, back to the accounts' opening
    overlap=timedelta(days=OVERLAP_DAYS),
    perishable=False,
    unique_id="accountId + transactionID; tradeID repeats, and equal fills share every other value",
    sections=(OVERVIEW, HISTORY, STATEMENT),
    uncited=(SEND_REQUEST, GET_STATEMENT, OVERVIEW),
    news_note="IBKR builds the statement of a day after its close in New York: today's trades come tomorrow.",
    volatile=(
        re.compile(rb"whenGenerated=(?:\"[^\"]*\"|'[^']*')"),
        re.compile(rb"timestamp=(?:\"[^\"]*\"|'[^']*')"),
        re.compile(rb"<ReferenceCode>[^<]*</ReferenceCode>"),
    ),
)
