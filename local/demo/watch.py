"""What goes on after the first round: traders trade, the schedule syncs, and each finished run is told in a line."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

import httpx

from brokersync.aws.runs import DynamoRuns
from local.commands.stack import Stack
from local.demo.cast import DemoBroker
from local.demo.round import Connected
from local.demo.screen import Screen

LOOK_SECONDS = 2.0
TRADE_SECONDS = 30.0


def watch(screen: Screen, stack: Stack, connected: Sequence[Connected], brokers: Sequence[DemoBroker]) -> NoReturn:
    """Let the brokers mend what ailed them, and tell every run that ends, until Ctrl-C."""
    for broker in brokers:
        broker.mend()
    runs = DynamoRuns(stack.session)
    told: dict[str, datetime | None] = {}
    traded = time.monotonic()
    while True:
        for one in connected:
            feed = stack.feeds.get(one.feed_id)
            if feed is None or told.setdefault(one.feed_id, feed.last_attempted_at) == feed.last_attempted_at:
                continue
            told[one.feed_id] = feed.last_attempted_at
            for run in runs.newest(one.feed_id, limit=1):
                numbers = ", ".join(feed.accounts)
                news = f"{run.stats.inserted} new entries" if run.stats.inserted else "nothing new"
                screen.line(
                    f"{run.finished_at:%H:%M:%S} {one.demo.trader} {one.demo.broker} {numbers}: "
                    f"{run.outcome.value}, {run.safe_message or news} ({run.requested_by.value}, {run.job_id})"
                )
        if time.monotonic() - traded > TRADE_SECONDS:
            traded = time.monotonic()
            for broker in brokers:
                httpx.post(f"{broker.server.base_url}/_sim/trade", timeout=10)
        time.sleep(LOOK_SECONDS)
