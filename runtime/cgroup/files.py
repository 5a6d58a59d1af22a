"""Reading and writing the small files of a cgroup folder."""

import os

from runtime.errors import SyscallError

_MOST_BYTES = 1 << 20


def write(folder: str, name: str, *values: str) -> None:
    """Write values one by one, each with its own write(2), as the kernel wants them. Raises SyscallError."""
    path = f"{folder}/{name}"
    value = ""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            for value in values:
                os.write(descriptor, value.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SyscallError(error.errno or 0, f"write `{value}` to cgroup file", path) from error


def read(folder: str, name: str) -> str:
    """Return the text of a file; raises FileNotFoundError when it or the group is not there."""
    descriptor = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _MOST_BYTES).decode()
    finally:
        os.close(descriptor)


def keyed(text: str, key: str) -> int | None:
    """Return the number on the line `key number` of a flat keyed file, None without that line."""
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return int(value)
    return None


def processes(folder: str) -> list[int]:
    """Return the pids in a group and all groups below it; a group that is gone has none."""
    found: list[int] = []
    for folder_below, _, _ in os.walk(folder):
        try:
            found += [int(line) for line in read(folder_below, "cgroup.procs").split()]
        except OSError:
            continue
    return found
