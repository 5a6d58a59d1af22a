"""Layers and archives as tests want them: honest, odd and hostile."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a layer."""

    name: str
    content: bytes = b""
    type: bytes = tarfile.REGTYPE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    link: str = ""
    modified: float = 1_000_000_000.0
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, str] = field(default_factory=dict)


def folder(name: str, mode: int = 0o755, **more: object) -> Entry:
    """A folder."""
    return Entry(name, type=tarfile.DIRTYPE, mode=mode, **more)  # type: ignore[arg-type]


def symlink(name: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(name, type=tarfile.SYMTYPE, link=target)


def hard_link(name: str, target: str) -> Entry:
    """A hard link."""
    return Entry(name, type=tarfile.LNKTYPE, link=target)


def layer(*entries: Entry) -> bytes:
    """Return the tar of a layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            tar.addfile(_member(entry), io.BytesIO(entry.content))
    return buffer.getvalue()


def _member(entry: Entry) -> tarfile.TarInfo:
    member = tarfile.TarInfo(entry.name)
    member.type, member.mode, member.size = entry.type, entry.mode, len(entry.content)
    member.uid, member.gid, member.mtime, member.linkname = entry.uid, entry.gid, entry.modified, entry.link
    member.devmajor, member.devminor = entry.device
    member.pax_headers = {f"SCHILY.xattr.{name}": value for name, value in entry.xattrs.items()}
    return member


def archive(path: Path, members: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Path:
    """Write a tar of files, and of symbolic links."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return path


def digest(content: bytes) -> str:
    """Return a blob's digest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def configuration(layers: Iterable[bytes], **more: object) -> bytes:
    """Return the configuration of an image of uncompressed layers."""
    rootfs = {"type": "layers", "diff_ids": [digest(content) for content in layers]}
    return json.dumps({"os": "linux", "config": {"Cmd": ["sh"]}, "rootfs": rootfs, **more}).encode()


def docker_archive(path: Path, layers: list[bytes], tags: list[str]) -> Path:
    """Write what `docker save` wrote before version 25: `<id>/layer.tar`."""
    config = configuration(layers)
    members = {f"{number}/layer.tar": content for number, content in enumerate(layers)}
    manifest = [{"Config": "c.json", "RepoTags": tags, "Layers": list(members)}]
    return archive(path, {**members, "c.json": config, "manifest.json": json.dumps(manifest).encode()})


def oci_archive(
    path: Path, layers: list[bytes], annotations: Mapping[str, str] | None = None, blobs: list[bytes] | None = None
) -> Path:
    """Write an OCI layout of one image; `blobs` are its layers as they are stored, where that differs."""
    stored = layers if blobs is None else blobs
    config = configuration(layers)
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": _descriptor(config, "config.v1+json"),
            "layers": [_descriptor(content, _layer_type(content)) for content in stored],
        }
    ).encode()
    entry = _descriptor(manifest, "manifest.v1+json") | {"annotations": dict(annotations or {})}
    return archive(
        path,
        {
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
            "index.json": json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode(),
            **{f"blobs/sha256/{digest(blob)[7:]}": blob for blob in (config, manifest, *stored)},
        },
    )


def _descriptor(content: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest(content), "size": len(content)}


def _layer_type(content: bytes) -> str:
    return "layer.v1.tar+gzip" if content.startswith(b"\x1f\x8b") else "layer.v1.tar"
