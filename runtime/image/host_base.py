"""The base folder of the `host` image: a root and an /etc made fresh.

/etc is written here, not copied, but for what programs in /usr need of this very machine and what is
public: certificates that are trusted, the links of /etc/alternatives, the dynamic linker's cache and its
configuration (libraries in /usr/local/lib or beside a compiler are found by nothing else), the tables of
services, protocols and media types, the time zone, the configuration of TLS. Of these only
files that every user of the host may read are taken, and none that holds a private key.

The folder is named by the state of those sources. When a package changes one, new containers get
a new base, and older ones keep theirs.
"""

import hashlib
import os
import stat
from pathlib import Path

from runtime.errors import SyscallError
from runtime.image.content import BlobStore
from runtime.image.host import RECIPE_VERSION, Recipe
from runtime.syscall.tree import remove_tree

_FOLDERS = (
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("run/lock", 0o1777),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("var", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/log", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
)
_LINKS = (("var/run", "/run"), ("var/lock", "/run/lock"), ("etc/mtab", "/proc/mounts"))
_USERS = (
    ("root", 0, "/root", "/bin/sh"),
    ("daemon", 1, "/usr/sbin", "/usr/sbin/nologin"),
    ("bin", 2, "/bin", "/usr/sbin/nologin"),
    ("sys", 3, "/dev", "/usr/sbin/nologin"),
    ("mail", 8, "/var/mail", "/usr/sbin/nologin"),
    ("www-data", 33, "/var/www", "/usr/sbin/nologin"),
    ("nobody", 65534, "/nonexistent", "/usr/sbin/nologin"),
)
_GROUPS = (
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("tty", 5),
    ("disk", 6),
    ("mail", 8),
    ("kmem", 15),
    ("www-data", 33),
    ("staff", 50),
    ("users", 100),
    ("nogroup", 65534),
)
_FILES = {
    "etc/passwd": "".join(f"{name}:x:{uid}:{uid}:{name}:{home}:{shell}\n" for name, uid, home, shell in _USERS),
    "etc/group": "".join(f"{name}:x:{gid}:\n" for name, gid in _GROUPS),
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    "etc/shells": "/bin/sh\n/bin/bash\n",
    "etc/host.conf": "multi on\n",
    # The engine binds a container's own onto these.
    "etc/hosts": "127.0.0.1\tlocalhost\n",
    "etc/hostname": "",
    "etc/resolv.conf": "",
}
_COPIED = (
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d",
    "etc/alternatives",
    "etc/ssl/certs",
    "etc/ssl/openssl.cnf",
    "etc/pki/tls/certs",
    "etc/pki/tls/openssl.cnf",
    "etc/pki/ca-trust/extracted",
    "etc/ca-certificates/extracted",
    "etc/crypto-policies",
    "etc/services",
    "etc/protocols",
    "etc/mime.types",
    "etc/os-release",
    "etc/localtime",
    "etc/timezone",
)
_MANUAL = ".gz"
"""Five of six alternatives are pages of manuals, which only make the first start slow."""
_PRIVATE = b"PRIVATE KEY"
_MAX_FILE_BYTES = 8 << 20


def base_folder(blobs: BlobStore, bases: Path, recipe: Recipe) -> Path:
    """Return the base folder, in the folder `bases`; made when there is none for this state of the machine yet.

    Raises SyscallError.
    """
    folder = current_base(bases, recipe)
    if folder.exists():
        return folder
    with blobs.lease():
        scratch = blobs.scratch()
        try:
            _fill(scratch, recipe)
            folder.parent.mkdir(mode=0o710, parents=True, exist_ok=True)
            scratch.rename(folder)
        except OSError as error:
            if not folder.exists():  # else another command made it meanwhile
                raise SyscallError(error.errno or 0, "make the `host` image", str(folder)) from error
        finally:
            remove_tree(scratch)
    return folder


def current_base(bases: Path, recipe: Recipe) -> Path:
    """Return where the base folder for this state of the machine is, or will be."""
    return bases / _stamp(recipe)


def _stamp(recipe: Recipe) -> str:
    """Name the state of all sources; a few stats, since every start of a container asks."""
    state: list[object] = [RECIPE_VERSION, recipe.links, recipe.binds]
    for name in _COPIED:
        try:
            status = os.lstat(f"/{name}")
        except OSError:
            continue
        state.append((name, status.st_ino, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(repr(state).encode()).hexdigest()[:32]


def _fill(root: Path, recipe: Recipe) -> None:
    root.chmod(0o755)
    for name, mode in _FOLDERS:
        _make_folder(root / name, mode)
    for name, target in (*_LINKS, *recipe.links):
        (root / name).symlink_to(target)
    for name, text in _FILES.items():
        _write(root / name, text.encode())
    for name in _COPIED:
        if os.path.lexists(f"/{name}"):
            _make_folder((root / name).parent, 0o755)
            _copy(f"/{name}", f"{root}/{name}")
    for _, target in recipe.binds:
        _make_mount_point(root, target)


def _make_mount_point(root: Path, target: str) -> None:
    path = root
    for part in Path(target).parts[1:]:
        path = path / part
        if not path.is_symlink() and not path.is_dir():
            _make_folder(path, 0o755)
        elif not path.is_symlink():
            # On the way to the interpreter, so every user of the container must get through.
            path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o055)


def _make_folder(path: Path, mode: int) -> None:
    # mkdir(parents=True) would leave the parents to the umask.
    if not path.parent.exists():
        _make_folder(path.parent, 0o755)
    path.mkdir(exist_ok=True)
    path.chmod(mode)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o644)


def _copy(source: str, target: str) -> None:
    """Copy links, world-readable files without private keys, and folders of such; skip the rest.

    Paths are strings here: hundreds of links are made before the first container starts.
    """
    status = os.lstat(source)
    if stat.S_ISLNK(status.st_mode):
        link = os.readlink(source)  # noqa: PTH115 - see above
        if not link.endswith(_MANUAL):
            os.symlink(link, target)  # noqa: PTH211 - see above
    elif stat.S_ISDIR(status.st_mode) and status.st_mode & 0o005 == 0o005:
        _make_folder(Path(target), 0o755)
        with os.scandir(source) as entries:
            for name in sorted(entry.name for entry in entries):
                _copy(f"{source}/{name}", f"{target}/{name}")
    elif stat.S_ISREG(status.st_mode) and status.st_mode & 0o004 and status.st_size <= _MAX_FILE_BYTES:
        content = Path(source).read_bytes()
        if _PRIVATE not in content:
            _write(Path(target), content)
