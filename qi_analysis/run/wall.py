"""The wall around the review notebook: its kernel may read its release, and no other data of the project.

Two things together. The kernel comes from a process that never held a row (warm_server.py). And before the first cell
runs, the wall is raised: an audit hook of Python, which no Python code can take away again. It sees every file that
Python opens or lists and every process, library and module that is started or loaded, refuses what is not allowed,
and notes it, so that the run fails even if the notebook hides the error. docs/data_protection.md says what it is not.
"""

import importlib.machinery
import json
import os
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from qi_analysis.storage import PACKAGE

NEVER = frozenset(
    [
        "cpython.PyInterpreterState_New",
        "ctypes.call_function",
        "ctypes.dlopen",
        "ctypes.dlsym",
        "ctypes.dlsym/handle",
        "gc.get_objects",
        "gc.get_referrers",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "sqlite3.connect",
        "subprocess.Popen",
        "_winapi.CreateProcess",
    ]
)  # what a review has no need of: other processes, other libraries, the network, memory looked through
NO_MODULES = frozenset(["_dbm", "_gdbm", "_posixsubprocess", "_testcapi", "_xxsubinterpreters", "pyarrow", "readline"])
PROC = "/proc"  # other processes' memory and open files


@dataclass(frozen=True)
class Wall:
    """What is behind it, as paths: the project, its raw data wherever they lie, and the one release to read."""

    root: str
    raw: str
    release: str
    notes: str  # a file of the run; every refusal adds a line

    def to_text(self) -> str:
        """As one line, to hand it to another process."""
        return json.dumps(asdict(self))


def read_refused(notes: Path) -> list[str]:
    """The kinds of things that were refused, each once; empty when the notebook kept to its release."""
    return sorted(set(notes.read_text(encoding="utf-8").splitlines())) if notes.exists() else []


def raise_wall(wall: Wall) -> None:
    """From here on this process may read the release alone. It cannot be taken down again.

    Raises OSError when the notes cannot be opened; then no notebook runs.
    """
    notes = os.open(wall.notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.dont_write_bytecode = True
    sys.modules.pop("_posixsubprocess", None)
    for name in ("_posixsubprocess", "_fork_exec"):
        vars(sys.modules["subprocess"]).pop(name, None)
    sys.addaudithook(_build_hook(wall, notes))


def _build_hook(wall: Wall, notes: int) -> Callable[[str, tuple[Any, ...]], None]:
    is_allowed, is_known = _build_path_check(wall), _build_module_check()

    def refuse(kind: str) -> NoReturn:
        os.write(notes, f"{kind}\n".encode())
        raise PermissionError(f"The review notebook may open its release alone; it tried {kind}.")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in NEVER:
            refuse("another process, library or the network")
        elif event == "import":
            if not is_known(args[0], args[1]):
                refuse("a part of the program that is not for a review")
        elif event == "open" or event.startswith(("os.", "shutil.")):
            paths = [os.fsdecode(one) for one in args if isinstance(one, (str, bytes, os.PathLike))]
            if not all(is_allowed(event, path, args) for path in paths):
                refuse("a file or folder that is not its release")

    return hook


def _build_path_check(wall: Wall) -> Callable[[str, str, tuple[Any, ...]], bool]:
    """May this path be touched? In the project only the release and the program itself, and only to read."""
    real, written, isdir, root = os.path.realpath, os.path.abspath, os.path.isdir, os.path.realpath(wall.root)
    raw = [wall.raw, *(entry.path for entry in (os.scandir(wall.raw) if isdir(wall.raw) else ()))]
    closed = (root, PROC, *map(real, raw))
    program = (real(PACKAGE), real(sys.prefix))
    readable = (real(wall.release), *(folder for folder in program if not _is_in(root, folder)))
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def is_allowed(event: str, path: str, args: tuple[Any, ...]) -> bool:
        where = real(path)
        if event == "open" and isdir(where):
            return False  # an open folder could lead past the names that are checked here
        if not any(_is_in(name, folder) for name in (where, written(path)) for folder in closed):
            return True
        if event in ("os.listdir", "os.scandir", "os.chdir"):
            return where == root or any(_is_in(where, folder) for folder in readable)
        reads = event == "open" and not (args[2] or 0) & writing
        return reads and any(_is_in(where, folder) for folder in readable)

    return is_allowed


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _build_module_check() -> Callable[[str, str | None], bool]:
    """May this module be loaded? Of ours, and of compiled ones not Python's own, those alone that are there already."""
    known, standard = frozenset(sys.modules), os.path.realpath(sysconfig.get_path("platstdlib"))
    compiled = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    real, packages = os.path.realpath, ("site-packages", "dist-packages")

    def is_known(name: str, file: str | None) -> bool:
        top = name.partition(".")[0]
        if top in NO_MODULES:
            return False
        if top == "qi_analysis":
            return name in known
        if not file or not str(file).endswith(compiled) or name in known:
            return True
        where = real(str(file))
        return _is_in(where, standard) and not any(part in where for part in packages)

    return is_known
