"""A Jupyter kernel that starts warm: a fork of this process, with the libraries already imported.

It is a real kernel of the current interpreter in a process of its own, driven by papermill as usual; only the
second and more that a new interpreter spends on imports is saved. Where a process cannot be forked safely
(Windows, macOS), an ordinary kernel of the current interpreter starts instead.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from jupyter_client.provisioning.factory import KernelProvisionerFactory

CAN_FORK = sys.platform == "linux"
QUIET = ["--HistoryManager.enabled=False", "--IPKernelApp.log_level=CRITICAL"]


def run_kernel(connection_file: str, cwd: str) -> None:
    """The forked child: become a kernel and serve until told to stop. Its own output goes nowhere."""
    os.setsid()
    os.chdir(cwd)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    asyncio.set_event_loop(asyncio.new_event_loop())
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize(["-f", connection_file, *QUIET])
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


class ForkProvisioner(LocalProvisioner):
    """Starts the kernel by forking this process."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        context = multiprocessing.get_context("fork")
        cwd = str(kwargs.get("cwd") or os.getcwd())
        assert self.parent is not None
        process = context.Process(target=run_kernel, args=(self.parent.connection_file, cwd), daemon=False)
        process.start()
        self.process = _Child(process)  # type: ignore[assignment]
        self.pid = process.pid
        self.pgid = None
        return self.connection_info


class _Factory(KernelProvisionerFactory):
    """Gives every kernel the fork provisioner."""

    def create_provisioner_instance(self, kernel_id: str, kernel_spec: Any, parent: Any) -> Any:
        return ForkProvisioner(kernel_id=kernel_id, kernel_spec=kernel_spec, parent=parent)


class WarmKernelManager(AsyncKernelManager):
    """A kernel of the current interpreter, whatever kernels are installed on the machine; forked where that is safe."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *QUIET]
        return KernelSpec(argv=argv, display_name="this interpreter", language="python", metadata={})

    async def _async_pre_start_kernel(self, **kw: Any) -> Any:
        if not CAN_FORK:
            return await super()._async_pre_start_kernel(**kw)
        usual = KernelProvisionerFactory._instance
        KernelProvisionerFactory._instance = _Factory(parent=self.parent)  # type: ignore[assignment]
        try:
            return await super()._async_pre_start_kernel(**kw)
        finally:
            KernelProvisionerFactory._instance = usual
