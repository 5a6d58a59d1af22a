"""What is in an image: its configuration and the files that it adds to its base, out of an archive of `save`."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
TIMES_AND_NAMES = {"created", "architecture", "os", "rootfs", "history", "container", "docker_version", "variant"}
KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
}
COMPOSE_LABELS = "com.docker.compose."
XATTR = "SCHILY.xattr."
Entry = dict[str, Any]
Files = dict[str, Entry]


def answer(image: Path, base: Path) -> dict[str, Any]:
    """Return what an image is beside its base: both are archives with one image (docker save)."""
    config, layers = _read(image)
    base_config, base_layers = _read(base)
    on_base = config["rootfs"]["diff_ids"][:1] == base_config["rootfs"]["diff_ids"]
    skipped = len(base_config["history"]) if on_base else 0
    before, _ = _with_layers({}, base_layers if on_base else [])
    new = layers[len(base_layers) if on_base else 0 :]
    after, changes = _with_layers(before, new)
    history = [
        {key: value for key, value in entry.items() if key != "created"} for entry in config["history"][skipped:]
    ]
    return {
        "config": _settings(config.get("config", {})),
        "rest": {key: value for key, value in config.items() if key not in {*TIMES_AND_NAMES, "config"} and value},
        "history": history,
        "layers": changes,
        "files": {_name(name): entry for name, entry in sorted(after.items()) if before.get(name) != entry},
        "removed": sorted(_name(name) for name in before.keys() - after.keys()),
    }


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """The part for containers, without what is empty, docker compose's own labels, and what only Windows knows."""
    labels = {key: value for key, value in (config.get("Labels") or {}).items() if not key.startswith(COMPOSE_LABELS)}
    config = {key: value for key, value in config.items() if key != "ArgsEscaped"} | {"Labels": labels}
    return {key: value for key, value in config.items() if value not in (None, "", [], {})}


def _read(path: Path) -> tuple[dict[str, Any], list[Files]]:
    with tarfile.open(path) as archive:
        manifest = json.loads(_member(archive, "manifest.json"))[0]
        config = json.loads(_member(archive, manifest["Config"]))
        return config, [_layer(archive, name) for name in manifest["Layers"]]


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _layer(archive: tarfile.TarFile, name: str) -> Files:
    entries: Files = {}
    hard_links: dict[str, str] = {}
    with tarfile.open(fileobj=archive.extractfile(name), errors="surrogateescape") as layer:
        for member in layer:
            path = member.name.removeprefix("./").strip("/")
            if member.islnk():
                hard_links[path] = member.linkname.removeprefix("./").strip("/")
            elif path not in ("", "."):
                entries[path] = _entry(layer, member)
    for path, first in hard_links.items():
        entries[first].setdefault("hard links", [first])
        entries[first]["hard links"] = sorted({*entries[first]["hard links"], path})
        entries[path] = entries[first]
    return entries


def _entry(layer: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    entry: Entry = {"kind": KINDS[member.type], "mode": f"{member.mode & 0o7777:04o}"}
    if member.uid or member.gid:
        entry["owner"] = f"{member.uid}:{member.gid}"
    if member.isfile():
        file = layer.extractfile(member)
        assert file is not None
        content = file.read()
        entry |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if member.issym():
        entry["to"] = _name(member.linkname)
    if member.ischr() or member.isblk():
        entry["device"] = f"{member.devmajor}:{member.devminor}"
    xattrs = {
        key.removeprefix(XATTR): value.encode("utf-8", "surrogateescape").hex()
        for key, value in sorted(member.pax_headers.items())
        if key.startswith(XATTR)
    }
    return entry | ({"xattrs": xattrs} if xattrs else {})


def _with_layers(files: Files, layers: list[Files]) -> tuple[Files, list[list[str]]]:
    """Return the files with layers on top of them, and what each layer changed: not what it only repeats."""
    changes = []
    for layer in layers:
        before = dict(files)
        files = _with_layer(files, layer)
        changed = [name for name, entry in files.items() if before.get(name) != entry]
        removed = [name for name in before if name not in files]
        changes.append(sorted([*map(_name, changed), *(f"-{_name(name)}" for name in removed)]))
    return files, changes


def _with_layer(files: Files, layer: Files) -> Files:
    files = dict(files)
    for path in layer:
        folder, _, name = path.rpartition("/")
        if name == OPAQUE:
            _remove(files, folder, itself=False)
        elif name.startswith(WHITEOUT):
            _remove(files, f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/"))
    for path, entry in layer.items():
        if path.rpartition("/")[2].startswith(WHITEOUT):
            continue
        if entry["kind"] != "folder":
            _remove(files, path)
        files[path] = entry
    return files


def _remove(files: Files, path: str, *, itself: bool = True) -> None:
    for name in [name for name in files if name.startswith(f"{path}/") or (itself and name == path)]:
        del files[name]


def _name(name: str) -> str:
    """A name as JSON can hold it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
