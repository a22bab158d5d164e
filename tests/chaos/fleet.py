"""The test's side of the worker processes: give them deliveries, freeze one of them, collect what became of it."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from brokersync.contracts.jobs import SyncJob

ROOT = Path(__file__).resolve().parents[2]
BATCH = 10  # the most that the event source hands over at once


@dataclass(frozen=True, slots=True)
class Delivery:
    """A job as the queue delivers it, for the `received`-th time."""

    job: SyncJob
    received: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch: outcomes of its runs, the deliveries that have to come back, calls made."""

    outcomes: Sequence[str]
    failed: Sequence[Delivery]
    calls: Sequence[str]


class Worker:
    """One execution environment: one batch at a time."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._theirs_in, requests = os.pipe()
        answers, self._theirs_out = os.pipe()
        self._requests, self._answers = os.fdopen(requests, "w"), os.fdopen(answers)
        self._batch: Sequence[Delivery] = ()

    @property
    def ends(self) -> tuple[int, int]:
        """The pipe ends for the process."""
        return self._theirs_in, self._theirs_out

    def started(self) -> None:
        """Let go of the process's ends."""
        os.close(self._theirs_in)
        os.close(self._theirs_out)

    def close(self) -> None:
        """Nothing more is sent: the process ends."""
        self._requests.close()
        self._answers.close()

    def deliver(self, batch: Sequence[Delivery], ahead: float = 0.0) -> Report:
        """Hand over a batch at a time some seconds ahead of now; wait for its end."""
        self._send_batch(batch, ahead, None)
        return self._report()

    def freeze(self, delivery: Delivery, before_call: int, ahead: float = 0.0) -> str:
        """Hand over a job; the process stops before its call of that number (from 0). Returns the call's name.

        Empty when it ended before it made so many.
        """
        self._send_batch([delivery], ahead, before_call)
        return str(self._receive().get("frozen_before", ""))

    def thaw(self, ahead: float) -> Report:
        """Let a frozen process go on, at a later time."""
        self._send({"ahead": ahead})
        return self._report()

    def _send_batch(self, batch: Sequence[Delivery], ahead: float, frozen_at: int | None) -> None:
        messages = [
            {"message_id": str(number), "body": one.job.model_dump_json(), "received": one.received}
            for number, one in enumerate(batch)
        ]
        self._batch = batch
        self._send({"messages": messages, "ahead": ahead, "frozen_at": frozen_at})

    def _report(self) -> Report:
        answer = self._receive()
        failed = [self._batch[int(number)] for number in answer["failed"]]
        return Report(answer["outcomes"], failed, answer["calls"])

    def _send(self, request: Mapping[str, Any]) -> None:
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()

    def _receive(self) -> dict[str, Any]:
        line = self._answers.readline()
        assert line, f"a worker process ended by itself:\n{self._log.read_text(errors='replace')[-3_000:]}"
        answer: dict[str, Any] = json.loads(line)
        return answer


class Fleet:
    """Some workers, and batches for whoever is free."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers = workers

    def deliver(
        self, deliveries: Sequence[Delivery], rng: random.Random, ahead: float = 0.0, *, largest: int = BATCH
    ) -> Sequence[Report]:
        """Deliver in this order, in batches of one to ten, to all workers at once."""
        batches = []
        left = list(deliveries)
        while left:
            size = rng.randint(1, largest)
            batches.append(left[:size])
            left = left[size:]
        free: SimpleQueue[Worker] = SimpleQueue()
        for worker in self.workers:
            free.put(worker)

        def hand_over(batch: Sequence[Delivery]) -> Report:
            worker = free.get()
            try:
                return worker.deliver(batch, ahead)
            finally:
                free.put(worker)

        with ThreadPoolExecutor(len(self.workers)) as hands:
            return list(hands.map(hand_over, batches))


@contextmanager
def fleet(count: int, environment: Mapping[str, str], log: Path) -> Iterator[Fleet]:
    """Worker processes with the function's environment, until the `with` block ends. `log` gets their log lines."""
    workers = [Worker(log) for _ in range(count)]
    ends = [worker.ends for worker in workers]
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.worker", *(f"{read}:{write}" for read, write in ends)],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": f"{ROOT}:{ROOT / 'shared'}", "PATH": os.environ["PATH"]},
            pass_fds=[end for pair in ends for end in pair],
            stdout=lines,
            stderr=subprocess.STDOUT,
        )
        for worker in workers:
            worker.started()
        try:
            yield Fleet(workers)
        finally:
            for worker in workers:
                worker.close()
            process.wait(30)
