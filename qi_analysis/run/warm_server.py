"""A process that has the libraries of a review loaded and has never held a row; the review's kernels are its forks.

Started as `python -m qi_analysis.run.warm_server`, on Linux once for a run, while the data are read; it ends with the run. With a
connection file and a wall it becomes one kernel, for systems where a process cannot be forked safely.
"""

import gc
import json
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from qi_analysis.run.kernels import run_app, run_kernel
from qi_analysis.run.wall import Wall

FEW = (200_000, 20, 20)  # imports and charts make few cycles
LONGEST = 1 << 16  # bytes of a request


def load_libraries() -> None:
    """Import what a review draws with. pyarrow is left out: it opens files in a way that no wall sees."""
    gc.set_threshold(*FEW)
    sys.modules["pyarrow"] = None  # type: ignore[assignment]  # pandas then does without
    import matplotlib.backends.backend_agg  # noqa: F401  # all that may load pandas comes after the line above

    import qi_analysis.api  # noqa: F401
    import qi_analysis.report.pages  # noqa: F401


def draw(published: Path) -> None:
    """Draw what is the same in every review, once for all kernels of a run."""
    from qi_analysis.release import read_published_figures  # pandas: see load_libraries
    from qi_analysis.report.benchmark import show_benchmark, show_standing

    release = read_published_figures(published)
    show_benchmark(release)
    show_standing(release)


def serve(requests: socket.socket) -> None:
    """Until the run has ended: draw what is asked for, and fork a kernel for each line that is handed over."""
    load_libraries()
    while True:
        message, lines, _, _ = socket.recv_fds(requests, LONGEST, 1)
        _say_farewell(os.WNOHANG if message else 0)
        if not message:
            return
        if not lines:
            draw(Path(json.loads(message)["draw"]))
            gc.freeze()
        elif os.fork() == 0:
            requests.close()
            _become_kernel(json.loads(message), socket.socket(fileno=lines[0]))
            os._exit(0)
        else:
            os.close(lines[0])


def _say_farewell(options: int) -> None:
    """Let kernels go that have ended; without options wait for all of them."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def _become_kernel(told: dict[str, Any], line: socket.socket) -> None:
    """A kernel that lives no longer than whoever holds the other end of its line."""

    def end_with_the_run() -> None:
        line.recv(1)
        os._exit(1)

    line.send(str(os.getpid()).encode())
    threading.Thread(target=end_with_the_run, daemon=True).start()
    run_kernel(told["connection_file"], told["cwd"], Wall(**told["wall"]))


def main() -> None:
    """Serve on the socket that was handed over, or become one kernel: CONNECTION_FILE WALL."""
    if len(sys.argv) == 2:
        return serve(socket.socket(fileno=int(sys.argv[1])))
    load_libraries()
    run_app(sys.argv[1], Wall(**json.loads(sys.argv[2])))


if __name__ == "__main__":
    main()
