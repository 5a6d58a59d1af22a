"""Images as docker's commands show them: `image ls`, `image history`, `image inspect` (docker/cli, formatter)."""

import datetime
from collections.abc import Mapping, Sequence

from compose.render.duration import human_duration, human_size, precise_size
from compose.render.images import NONE, repository_and_tag, short_id
from compose.render.text import ellipsis, escaped
from schemas.engine.records import ImageRecord
from schemas.engine.storage import ImageDetails

COMMAND_LENGTH = 45
MISSING = "<missing>"
_SECOND = 1_000_000_000
_CONFIG_DEFAULTS: dict[str, object] = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}


def list_rows(
    record: ImageRecord, names: Sequence[str], *, now_ns: int, truncate: bool = True
) -> list[dict[str, object]]:
    """Return a row for each name, or one of an image without a name."""
    rows: list[dict[str, object]] = []
    for name in names or (f"{NONE}:{NONE}",):
        repository, tag = repository_and_tag(name)
        rows.append(
            {
                "Containers": "N/A",
                "CreatedAt": _local(record.created_ns),
                "CreatedSince": since(record.created_ns, now_ns),
                "Digest": name.partition("@")[2] or NONE,
                "ID": short_id(record.id) if truncate else record.id,
                "Repository": repository,
                "SharedSize": "N/A",
                "Size": human_size(record.size_bytes),
                "Tag": tag,
                "UniqueSize": "N/A",
                "VirtualSize": precise_size(record.size_bytes),
            }
        )
    return rows


def history_rows(
    details: ImageDetails, *, now_ns: int, truncate: bool = True, human: bool = True
) -> list[dict[str, object]]:
    """Return a row for each line of an image's history, the last first."""
    lines = details.document.get("history")
    sizes = list(details.layer_bytes)
    rows: list[dict[str, object]] = []
    for line in lines if isinstance(lines, list) else []:
        size = 0 if line.get("empty_layer") or not sizes else sizes.pop(0)
        created_by = escaped(str(line.get("created_by") or "").replace("\t", " "))
        created = str(line.get("created") or "")
        created_ns = _nanoseconds(created)
        rows.append(
            {
                "Comment": escaped(str(line.get("comment") or "")),
                "CreatedAt": _utc(created_ns),
                "CreatedBy": ellipsis(created_by, COMMAND_LENGTH) if truncate else created_by,
                "CreatedSince": since(created_ns, now_ns) if human else _utc(created_ns),
                "ID": MISSING,
                "Size": human_size(size) if human else str(size),
            }
        )
    if rows:
        rows[-1]["ID"] = short_id(details.record.id) if truncate else details.record.id
    return rows[::-1]


def inspected(details: ImageDetails) -> dict[str, object]:
    """Return what `docker image inspect` tells of an image."""
    record, document = details.record, details.document
    history = document.get("history")
    last = history[-1] if isinstance(history, list) and history else {}
    config = document.get("config")
    top, *below = details.lower or ("",)
    data = {"LowerDir": ":".join(below), "UpperDir": top}
    plain: dict[str, object] = {
        "Id": record.id,
        "RepoTags": [name for name in record.references if "@" not in name],
        "RepoDigests": list(details.digests),
        "Parent": "",
        "Comment": str(document.get("comment") or last.get("comment") or ""),
        "Created": document.get("created") or "",
        "DockerVersion": str(document.get("docker_version") or ""),
        "Author": str(document.get("author") or ""),
        "Config": {**_CONFIG_DEFAULTS, **config} if isinstance(config, Mapping) else dict(_CONFIG_DEFAULTS),
        "Architecture": record.architecture,
        "Os": record.os,
        "Size": record.size_bytes,
        "GraphDriver": {"Data": {key: value for key, value in data.items() if value}, "Name": "overlay2"},
        "RootFS": {"Type": "layers", "Layers": list(record.layers)},
        "Metadata": {"LastTagTime": _exact(details.tagged_ns)},
    }
    if document.get("variant"):
        plain["Variant"] = document["variant"]
    return plain


def since(created_ns: int, now_ns: int) -> str:
    """Return `3 hours ago`; `N/A` for an image without a time."""
    return f"{human_duration((now_ns - created_ns) / _SECOND)} ago" if created_ns else "N/A"


def _local(time_ns: int) -> str:
    if not time_ns:
        return "N/A"
    moment = datetime.datetime.fromtimestamp(time_ns // _SECOND, datetime.UTC).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S %z %Z}"


def _utc(time_ns: int) -> str:
    return f"{datetime.datetime.fromtimestamp(time_ns // _SECOND, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _exact(time_ns: int) -> str:
    if not time_ns:
        return "0001-01-01T00:00:00Z"  # Go's zero time
    return f"{_utc(time_ns)[:-1]}.{time_ns % _SECOND:09d}Z"


def _nanoseconds(text: str) -> int:
    whole, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    try:
        moment = datetime.datetime.fromisoformat(whole + zone)
    except ValueError:
        return 0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return max(0, int(aware.timestamp())) * _SECOND
