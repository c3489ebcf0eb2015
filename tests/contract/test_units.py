"""The units' sandbox lets through what the programs do, and its refusals kill nobody."""

from __future__ import annotations

import ctypes
import errno
import multiprocessing
import os
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[2] / "systemd").glob("*.service"))
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def service(unit: Path) -> dict[str, str]:
    """The [Service] section; of keys that come twice the last."""
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # configparser's own way
    parser.read(unit, encoding="utf-8")
    return dict(parser["Service"])


def allowed(names: str) -> set[str]:
    """System calls of a filter, sets taken apart by systemd itself."""
    found: set[str] = set()
    for name in names.split():
        if not name.startswith("@"):
            found.add(name)
            continue
        said = subprocess.run(
            ["systemd-analyze", "syscall-filter", name],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        inner = [line.strip() for line in said.splitlines()[1:]]
        found |= allowed(" ".join(line for line in inner if line and not line.startswith("#")))
    return found


def ask_the_clock_under(names: set[str]) -> None:
    """In a process of its own: with exactly these system calls, as systemd would filter them."""
    from edge.clock import synced

    before = synced()
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ERRNO | errno.EPERM)))
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            library.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), ctypes.c_int(number), ctypes.c_uint(0))
    if library.seccomp_load(context):
        os._exit(77)
    os._exit(0 if synced() is before else 1)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_refused_system_call_is_an_error_not_a_death(unit: Path) -> None:
    assert service(unit)["SystemCallErrorNumber"] == "EPERM"


def test_the_agent_may_ask_whether_the_clock_is_synchronised() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    if not any(
        Path(folder).joinpath("libseccomp.so.2").exists() for folder in Path("/usr/lib").glob("*-linux-gnu")
    ):
        pytest.skip("libseccomp2 is not here")
    (agent,) = [unit for unit in UNITS if unit.stem == "qcbox-agent"]
    names = allowed(service(agent)["SystemCallFilter"])
    asking = multiprocessing.get_context("spawn").Process(target=ask_the_clock_under, args=(names,))
    asking.start()
    asking.join(30)
    if asking.exitcode == 77:
        pytest.skip("no system call filter may be set here")
    assert asking.exitcode == 0


def test_the_centre_needs_nothing_of_a_box() -> None:
    """On a machine of its own there is no /etc/qcbox/secrets, and systemd would not start it."""
    (central,) = [unit for unit in UNITS if unit.stem == "qcbox-central"]
    assert "LoadCredential" not in service(central)
