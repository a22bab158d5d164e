"""The facts of MetaTrader 5 REST bridges.

MetaTrader 5 has no web service for traders. A bridge is a small server beside a terminal that passes its answers on (by
the `MetaTrader5` Python package: mql5.com/en/docs/python_metatrader5); paths, headers and envelopes differ.
"""

import re
from datetime import timedelta
from typing import Final

from brokersync.domain.feeds import FetchScope
from brokersync.domain.manifests import AuthField, Environment, LimitScope, LimitWindow, Manifest

INFO: Final = "info"
POSITIONS: Final = "positions"
HISTORY: Final = "history"

OVERLAP: Final = timedelta(days=3)
"""How much of what was served is read again: a terminal loads its history late."""

MANIFEST = Manifest(
    slug="mt5",
    name="MetaTrader 5 (REST bridge)",
    documentation_url="https://www.mql5.com/en/docs/python_metatrader5",
    fetch_scope=FetchScope.ACCOUNT,
    # Every trader has a bridge of his own: its address is a setting. Nothing is ever found under this name (RFC 2606).
    environments=(Environment(name="bridge", base_url="https://mt5-bridge.invalid"),),
    auth_fields=(
        AuthField(
            name="base_url",
            label="Bridge address",
            help="Where your bridge answers, without a path: https://mt5.example.com. It has to be reachable from "
            "the internet and to have a certificate.",
            secret=False,
        ),
        AuthField(
            name="api_key",
            label="API key",
            help="The key that your bridge asks for.",
        ),
        AuthField(
            name="server_zone",
            label="Trade server's time zone",
            help="MetaTrader tells times by its trade server's clock. Many brokers keep New York time plus seven "
            "hours: America/New_York+7. Others keep a fixed offset (+03:00) or a zone (Europe/Athens). Compare the "
            "time of a new deal in your terminal with UTC. If your bridge converts times itself, enter UTC.",
            secret=False,
        ),
        AuthField(
            name="login",
            label="Account number",
            help="The login shown in your terminal; several are separated by commas. May be left empty when the path "
            "of an account doesn't name it.",
            secret=False,
            required=False,
        ),
        AuthField(
            name="header",
            label="Header of the API key",
            help="X-API-Key, or `Authorization: Bearer`, or whichever header your bridge reads.",
            secret=False,
            required=False,
            default="X-API-Key",
        ),
        AuthField(
            name="base_path",
            label="Path of an account",
            help="What comes before /info, /positions and /history. {id} stands for the account number.",
            secret=False,
            required=False,
            default="/api/mt5/account/{id}",
        ),
        AuthField(
            name="time_unit",
            label="Form of from and to",
            help="How your bridge wants from and to of the history: s (seconds since 1970), ms, or iso "
            "(2026-01-31T00:00:00), each by the trade server's clock.",
            secret=False,
            required=False,
            default="s",
        ),
    ),
    setup_help="Run a REST bridge beside a terminal that is logged in to your account, behind https. Enter its "
    "address, its API key and the time zone of your broker's trade server. Leave the other fields empty unless your "
    "bridge differs.",
    limit_scope=LimitScope.CREDENTIAL,
    counted_by=("base_url", "api_key"),
    own_server=True,
    limits=(LimitWindow(count=100, seconds=60.0),),
    useful_interval_min=5,
    history_depth_days=None,  # all that the broker's server keeps
    overlap=OVERLAP,
    perishable=False,
    unique_id="deal ticket: unique per trade server; position_id links the deals of a position",
    sections=(INFO, POSITIONS, HISTORY),
    volatile=(
        # Bridges repeat what was asked, and the end of that is always tomorrow.
        re.compile(rb'"from(?:_date)?"\s*:\s*(?:"[^"]*"|[0-9]+)'),
        re.compile(rb'"to(?:_date)?"\s*:\s*(?:"[^"]*"|[0-9]+)'),
    ),
    uncited=(INFO, POSITIONS),
)
