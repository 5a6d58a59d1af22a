"""Calls about a whole file system."""

from runtime.syscall.libc import check, function, int_t

_syncfs = function("syncfs", int_t)


def sync_filesystem(descriptor: int) -> None:
    """syncfs(2): write out everything of the file system a descriptor is on. Raises SyscallError."""
    check(_syncfs(descriptor), "syncfs")
