"""MiniStack as the emulator's child process: it ends with whoever started it, even one that was killed.

`python -m local.stack.guarded FOLDER`: stdin is a pipe that the parent holds open and never writes to. Its end is the
parent's end; then the folder is removed, and this process group is killed, workers and all.
"""

import os
import runpy
import shutil
import signal
import sys
import threading


def _end_with_parent(folder: str) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, args=(sys.argv[1],), daemon=True).start()
    sys.argv = ["ministack"]
    runpy.run_module("ministack", run_name="__main__")
