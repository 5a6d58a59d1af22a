"""The built-in image `host`: programs of this machine, nothing else of it."""

import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from runtime.image import host_base
from runtime.image.host import Recipe, recipe
from runtime.image.store import ImageStore
from runtime.paths import Paths

SECRETS = ("shadow", "gshadow", "ssh", "sudoers", "machine-id", "ssl/private", "fstab", "environment", "ld.so.preload")


@pytest.fixture
def base(store: ImageStore) -> Path:
    """The base folder."""
    (lower,) = store.lower_directories(store.resolve("host"))
    return Path(lower)


def test_it_must_be_there_without_anything_loaded(store: ImageStore):
    """By any of its names, with a shell to run."""
    image = store.resolve("host")
    assert image == store.resolve("host:latest") == store.resolve(image.id) == store.list()[-1]
    assert image.config.command == ("/bin/sh",)
    assert image.references == ("host:latest",)


def test_its_id_must_stay_the_same(store: ImageStore):
    """Another process gets the same id, or every `up` would make containers anew."""
    script = "from runtime.image.host import host_record; print(host_record().id)"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert printed.stdout.strip() == store.resolve("host").id


def test_its_etc_must_be_made_fresh(base: Path):
    """No secret and no account of this machine."""
    assert [name for name in SECRETS if os.path.lexists(base / "etc" / name)] == []
    accounts = [line.split(":")[0] for line in (base / "etc/passwd").read_text().splitlines()]
    assert accounts == ["root", "daemon", "bin", "sys", "mail", "www-data", "nobody"]
    empty = [path for path in (base / "etc").rglob("*") if path.is_dir() and not any(path.iterdir())]
    assert [path for path in empty if not Path("/", path.relative_to(base)).is_dir()] == []
    assert (base / "etc/resolv.conf").read_bytes() == (base / "etc/hostname").read_bytes() == b""


def test_nothing_private_must_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: ImageStore):
    """A certificate folder with a key in it, and with files that not everybody may read."""
    source = tmp_path / "certs"
    source.mkdir(mode=0o755)
    (source / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    (source / "both.pem").write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----")
    (source / "closed.pem").write_text("secret")
    (source / "closed.pem").chmod(0o640)
    (source / "hidden").mkdir(mode=0o700)
    (source / "hidden/x").write_text("secret")
    (source / "ca.pem").chmod(0o644)
    (source / "both.pem").chmod(0o644)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    monkeypatch.setattr(host_base, "_COPIED", (str(source).lstrip("/"),))
    (lower,) = store.lower_directories(store.resolve("host"))
    copied = Path(f"{lower}{source}")
    assert sorted(path.name for path in copied.iterdir()) == ["ca.pem"]


def test_no_file_of_homes_or_var_must_be_in_it(base: Path):
    """/root, /home, /var and /tmp hold folders alone, but for mount points of the interpreter."""
    files = [path for name in ("root", "home", "var", "tmp", "srv", "opt", "mnt") for path in (base / name).rglob("*")]
    assert [path for path in files if path.is_file() and not path.is_symlink()] == []
    assert stat.S_IMODE((base / "tmp").stat().st_mode) == stat.S_IMODE((base / "var/tmp").stat().st_mode) == 0o1777


def test_it_must_not_depend_on_the_umask(store: ImageStore):
    """Every user of a container must be able to read it, whoever made it first."""
    previous = os.umask(0o077)
    try:
        (lower,) = store.lower_directories(store.resolve("host"))
    finally:
        os.umask(previous)
    folders = [path for path in Path(lower).rglob("*") if path.is_dir() and not path.is_symlink()]
    closed = [path for path in folders if path.stat().st_mode & 0o005 != 0o005]
    assert [path for path in closed if path.relative_to(lower) != Path("root")] == []


def test_every_bind_must_have_its_mount_point(base: Path, store: ImageStore):
    """The root may be read-only, so the launcher can make none."""
    mounts = store.host_mounts(store.resolve("host"))
    assert mounts[0].target == "/usr"
    assert all(mount.read_only and mount.type == "bind" and Path(mount.source).is_dir() for mount in mounts)
    assert all(Path(f"{base}{mount.target}").is_dir() for mount in mounts)
    assert {"/", "/etc", "/root", "/home", "/var"} & {mount.source for mount in mounts} == set()


def test_the_interpreters_prefix_must_be_reached_by_every_user(store: ImageStore, tmp_path: Path):
    """A Python below /root is bound exactly; the way to it is open, and empty."""
    made = Recipe(links=(), binds=(("/usr", "/usr"), ("/x", "/root/.pyenv/versions/3")), executables=())
    base = host_base.base_folder(store.blobs, tmp_path / "bases", made)
    way = [base / "root", base / "root/.pyenv", base / "root/.pyenv/versions"]
    assert [stat.S_IMODE(path.stat().st_mode) & 0o055 for path in way] == [0o055] * 3
    assert [len(list(path.iterdir())) for path in way] == [1, 1, 1]
    plain = host_base.base_folder(store.blobs, tmp_path / "bases", Recipe((), (("/usr", "/usr"),), ()))
    assert stat.S_IMODE((plain / "root").stat().st_mode) == 0o700


def test_programs_must_run_in_it(store: ImageStore, tmp_path: Path, base: Path):
    """A shell, the dynamic linker and this very Python, with its certificates, in a chroot of the binds."""
    image = store.resolve("host")
    root = tmp_path / "root"
    lines = [f"mount --bind '{base}' '{root}'"]
    lines += [f"mount --rbind '{mount.source}' '{root}{mount.target}'" for mount in store.host_mounts(image)]
    script = "import ssl, sys; print(sys.version_info[:2], len(ssl.create_default_context().get_ca_certs()) >= 0)"
    (path,) = (entry for entry in image.config.environment if entry.startswith("PATH="))
    lines.append(f"exec env -i '{path}' chroot '{root}' /bin/sh -c 'id -un; python3 -c \"{script}\"; ls /home'")
    root.mkdir()
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-ec", "\n".join(lines)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["root", f"{sys.version_info[:2]} True"], done.stderr


def test_the_base_must_be_made_once(store: ImageStore, paths: Paths, base: Path):
    """A second call finds it; a change of its sources makes another, and the unused one is collected."""
    before = base.stat().st_mtime_ns
    assert store.lower_directories(store.resolve("host")) == (str(base),)
    assert base.stat().st_mtime_ns == before
    stale = paths.images / "layers/host/stale"
    (stale / "etc").mkdir(parents=True)
    with tarfile.open(paths.state / "empty.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("x"))
    store.import_tar(paths.state / "empty.tar", "x")
    assert base.exists()
    assert not stale.exists()


def test_the_recipe_must_show_usr_and_the_interpreter():
    """What this machine has beside /usr is a link or a bind."""
    made = recipe()
    assert {"bin", "lib", "sbin"} <= {name for name, _ in made.links} | {target[1:] for _, target in made.binds}
    prefixes = [target for _, target in made.binds]
    assert any(Path(sys.prefix).is_relative_to(prefix) for prefix in prefixes)
    assert any(Path(sys.base_prefix).is_relative_to(prefix) for prefix in prefixes)
