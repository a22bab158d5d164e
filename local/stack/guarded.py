"""MiniStack as the emulator's child process: it ends with whoever started it, even one that was killed.

`python -m local.stack.guarded FOLDER`: stdin is a pipe that the parent holds open and never writes to. Its end is the
parent's end; then the folder is removed, and this process group is killed, workers and all.

MiniStack is an ASGI application. uvicorn with httptools serves it for half the CPU time a request that its own command
takes with hypercorn (a PutItem: 0.4 instead of 0.7 ms), and the emulator is what a laptop is busiest with.
"""

import os
import resource
import shutil
import signal
import sys
import threading

import uvicorn

KEEP_ALIVE_SECONDS = 75  # as MiniStack's own command


def _end_with_parent(folder: str) -> None:
    while os.read(sys.stdin.fileno(), 1):  # past sys.stdin, whose lock an exit would find held
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, args=(sys.argv[1],), daemon=True).start()
    _allow_many_connections()
    uvicorn.run(
        "ministack.app:app",
        host=os.environ["BIND_HOST"],
        port=int(os.environ["GATEWAY_PORT"]),
        http="httptools",
        ws="none",
        log_config=None,  # MiniStack has its own
        access_log=False,
        server_header=False,  # MiniStack sends what AWS sends
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
