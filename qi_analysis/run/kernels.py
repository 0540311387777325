"""Jupyter kernels that start warm: forks of a process with the libraries already imported.

Each is a real kernel of the current interpreter in a process of its own, driven by papermill as usual; only the
second and more that a new interpreter spends on imports is saved. The workshop's kernel is a fork of this process.
A kernel behind a wall is a fork of another process, which never held a row (warm_server.py). Where a process cannot be
forked safely (Windows, macOS), a new interpreter starts instead.
"""

import asyncio
import json
import multiprocessing
import os
import select
import signal
import socket
import sys
from dataclasses import asdict
from importlib.metadata import entry_points
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from qi_analysis.errors import RunFailed
from qi_analysis.run.wall import Wall, raise_wall
from qi_analysis.run.warm_client import CAN_FORK, start_warm

QUIET = ["--HistoryManager.enabled=False", "--IPKernelApp.log_level=CRITICAL"]
STARTUP_SECONDS = 60
FORKS = "qi-fork"  # the name of ForkProvisioner among the entry points in pyproject.toml
STALE = (
    "The program has changed since it was installed here. Run make review, which installs it anew, "
    "or: python -m pip install --no-deps --editable . Nothing was published."
)


def run_kernel(connection_file: str, cwd: str, wall: Wall | None = None) -> None:
    """The forked child: become a kernel and serve until told to stop. Its own output goes nowhere."""
    os.setsid()
    os.chdir(cwd)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    asyncio.set_event_loop(asyncio.new_event_loop())
    IPKernelApp.instance(parent_handle=os.getppid())  # it ends when the process it came from does
    run_app(connection_file, wall)


def run_app(connection_file: str, wall: Wall | None) -> None:
    """Serve as the kernel of this process; the wall, if there is one, is up before the first cell runs."""
    app = IPKernelApp.instance()
    app.initialize(["-f", connection_file, *QUIET])
    if wall is not None:
        raise_wall(wall)
    app.start()


class _Child:
    """What a kernel provisioner expects of a process, over multiprocessing's."""

    stdin = stdout = stderr = None

    def __init__(self, process: Any) -> None:
        self.process = process
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        self.process.join(0)
        code: int | None = self.process.exitcode
        return code

    def wait(self, timeout: float | None = None) -> int | None:
        self.process.join(timeout)
        return self.poll()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()


class _Walled:
    """The same over a kernel that another process forked; the line to it is open for as long as it lives."""

    stdin = stdout = stderr = None

    def __init__(self, connection_file: str, cwd: str, wall: Wall) -> None:
        self.line, theirs = socket.socketpair()
        told = json.dumps({"connection_file": connection_file, "cwd": cwd, "wall": asdict(wall)})
        try:
            with theirs:
                socket.send_fds(start_warm(), [told.encode()], [theirs.fileno()])
            self.line.settimeout(STARTUP_SECONDS)
            self.pid = int(self.line.recv(32))
        except (OSError, ValueError):
            raise RuntimeError("no kernel") from None

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> int | None:
        return 1 if select.select([self.line], [], [], timeout)[0] else None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkProvisioner(LocalProvisioner):
    """Starts the kernel as a fork of this process, or behind a wall as a fork of the process without rows."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork the kernel; what a process of its own would be started with is not needed."""
        cwd = str(kwargs.get("cwd") or os.getcwd())
        assert self.parent is not None
        wall, file = self.parent.wall, self.parent.connection_file
        process: Any = _fork(file, cwd) if wall is None else _Walled(file, cwd, wall)
        self.process, self.pid = process, process.pid
        self.pgid = None
        return self.connection_info


def _fork(connection_file: str, cwd: str) -> Any:
    process = multiprocessing.get_context("fork").Process(target=run_kernel, args=(connection_file, cwd), daemon=False)
    process.start()
    return _Child(process)


class WarmKernelManager(AsyncKernelManager):
    """A kernel of the current interpreter, whatever kernels are installed on the machine; forked where that is safe."""

    wall: Wall | None = None

    @property
    def kernel_spec(self) -> KernelSpec:
        """How a kernel of this interpreter is started: by its command where it cannot be forked."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *QUIET]
        if self.wall is not None:
            argv = [sys.executable, "-m", "qi_analysis.run.warm_server", "{connection_file}", self.wall.to_text()]
        provisioner = {"provisioner_name": FORKS if CAN_FORK else "local-provisioner"}
        about = {"kernel_provisioner": provisioner}
        return KernelSpec(argv=argv, display_name="this interpreter", language="python", metadata=about)


def choose_manager(wall: Wall | None) -> type[WarmKernelManager]:
    """The kernel manager of one notebook: behind this wall, or without one for the workshop.

    Raises RunFailed when the program was changed and not installed anew, so that Jupyter does not find its provisioner.
    """
    if CAN_FORK and not entry_points(group=KernelProvisionerFactory.GROUP_NAME, name=FORKS):
        raise RunFailed(STALE)
    return type("ChosenKernelManager", (WarmKernelManager,), {"wall": wall})
