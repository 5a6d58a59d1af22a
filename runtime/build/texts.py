"""The small files that define a build, Dockerfile and ignore file: read whole, within a limit."""

import errno
import os
from pathlib import Path

from runtime.build.dockerfile.ignore import IgnoreRules, read_ignore_file
from runtime.errors import InvalidArgument, SyscallError
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2

IGNORE_FILE = ".dockerignore"
_MOST_BYTES = 4 * 1024 * 1024
# A pipe or a device is not waited for.
_READ = os.O_RDONLY | os.O_NONBLOCK
_WITHIN = c.RESOLVE_IN_ROOT | c.RESOLVE_NO_MAGICLINKS
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


def text_at(path: Path) -> bytes | None:
    """Return the content of a regular file, None where there is none. Raises InvalidArgument, SyscallError."""
    try:
        descriptor = os.open(path, _READ | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SyscallError(error.errno or 0, "open", str(path)) from error
    return _content(descriptor, str(path))


def text_below(folder: Path, name: str) -> bytes | None:
    """Return the content of a regular file in a folder of a stranger's: no name and no link in it leads out."""
    root = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = openat2(root, name, _READ, resolve=_WITHIN)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise
    finally:
        os.close(root)
    return _content(descriptor, name)


def ignore_rules_at(path: Path) -> IgnoreRules | None:
    """Return what an ignore file says, None where there is none. Raises SourceError, InvalidArgument, SyscallError."""
    content = text_at(path)
    return None if content is None else read_ignore_file(content, shown(path))


def patterns(rules: IgnoreRules | None) -> tuple[str, ...]:
    """Return ignore rules as FolderRoot has them."""
    return tuple(("!" if rule.takes_back else "") + rule.pattern for rule in rules.rules) if rules else ()


def shown(path: Path) -> str:
    """Return a path as messages name it: relative where it is below the working folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _content(descriptor: int, name: str) -> bytes:
    with open(descriptor, "rb") as file:
        if not Path(f"/proc/self/fd/{descriptor}").is_file():
            raise InvalidArgument(f"`{name}` is not a file")
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise InvalidArgument(f"`{name}` is larger than {_MOST_BYTES // 1024 // 1024} MiB")
    return content
