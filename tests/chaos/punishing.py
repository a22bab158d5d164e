"""A broker that punishes: who asks more often than it documents is locked out, and asking meanwhile lengthens it."""

import time
from collections import deque
from collections.abc import Sequence
from threading import Lock

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from brokersync.domain.manifests import LimitWindow

LOCKED_OUT_SECONDS = 30.0


class Punishing:
    """Counts by its own clock, each key by itself. `arrivals` are seconds of that clock."""

    def __init__(self, limits: Sequence[LimitWindow]) -> None:
        self._limits = limits
        self._lock = Lock()
        self._locked_until = 0.0
        self.arrivals: dict[str, deque[float]] = {}
        self.punished = 0
        self.app = Starlette(routes=[Route("/ask/{key}", self._ask)])

    def most_in(self, seconds: float) -> int:
        """The most requests of one key that came within so many seconds."""
        return max(
            sum(1 for other in times if 0 <= other - first < seconds)
            for times in self.arrivals.values()
            for first in times
        )

    async def _ask(self, request: Request) -> Response:
        now = time.monotonic()
        with self._lock:
            times = self.arrivals.setdefault(request.path_params["key"], deque())
            times.append(now)
            over = any(sum(1 for at in times if now - at < one.seconds) > one.count for one in self._limits)
            if over or now < self._locked_until:
                self.punished += 1
                self._locked_until = now + LOCKED_OUT_SECONDS
                return JSONResponse({"error": "locked out"}, status_code=429)
        return JSONResponse({"ok": True})
