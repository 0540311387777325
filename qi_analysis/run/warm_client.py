"""Starts the process that has the libraries of a review loaded and never holds a row (warm_server.py)."""

import atexit
import json
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

CAN_FORK = sys.platform == "linux"


def draw_early(published: Path) -> None:
    """Start it, where a process can be forked, to load libraries and draw published figures while data are read."""
    if CAN_FORK:
        start_warm().send(json.dumps({"draw": str(published)}).encode())


@cache
def start_warm() -> socket.socket:
    """The line on which kernels behind a wall are asked for; the process ends with this one and its forks."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "qi_analysis.run.warm_server", str(theirs.fileno())]
        nowhere = subprocess.DEVNULL
        process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
        )  # fmt: skip
    atexit.register(_stop, ours, process)
    return ours


def _stop(ours: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Nothing of a run outlives its command."""
    ours.close()
    process.wait()
