"""Served simulators for tests. One server serves them all, one after the other: starting one takes its time."""

from collections.abc import Callable, Iterator

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from local.simulators.serving import RunningServer, serve_in_thread
from tests.simulators.oanda_sync import Simulated, simulate


class Stage:
    """The app that is being served now."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, RunningServer]]:
    stage = Stage()
    with serve_in_thread(stage) as server:
        yield stage, server


@pytest.fixture
def oanda(stage: tuple[Stage, RunningServer]) -> Callable[..., Simulated]:
    """Serves an OANDA account of the given kind, in place of the one before."""

    def serve(**spec: object) -> Simulated:
        app, simulated = simulate(stage[1], **spec)
        stage[0].app = app
        return simulated

    return serve
