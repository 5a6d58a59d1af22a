"""`system df` as docker has it (docker/cli, formatter/disk_usage.go)."""

from compose.render.duration import human_size, precise_size
from compose.render.image_rows import list_rows, since
from compose.render.images import short_id
from compose.render.ps import container_row
from compose.render.table import table
from schemas.engine.storage import DiskUsage

HEADINGS = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}


def summary_rows(usage: DiskUsage) -> list[dict[str, object]]:
    """Return a row each for images, containers, volumes and the build cache."""
    images, containers, volumes, steps = usage.images, usage.containers, usage.volumes, usage.steps
    kept = sum(image.record.size_bytes - image.shared_bytes for image in images if image.containers)
    written = sum(each.size_bytes for each in containers)
    idle = sum(each.size_bytes for each in containers if not each.record.status.is_live)
    held = sum(each.size_bytes for each in volumes)
    unused = sum(each.size_bytes for each in volumes if not each.links)
    cached = sum(step.size_bytes for step in steps if not step.is_shared)
    return [
        _row("Images", len(images), sum(bool(image.containers) for image in images), usage.layers_bytes)
        | {"Reclaimable": _part(usage.layers_bytes - kept, usage.layers_bytes)},
        _row("Containers", len(containers), sum(each.record.status.is_live for each in containers), written)
        | {"Reclaimable": _part(idle, written)},
        _row("Local Volumes", len(volumes), sum(bool(each.links) for each in volumes), held)
        | {"Reclaimable": _part(unused, held)},
        _row("Build Cache", len(steps), 0, cached) | {"Reclaimable": precise_size(cached)},
    ]


def verbose(usage: DiskUsage, now_ns: int) -> str:
    """Return docker's four tables."""
    return (
        f"Images space usage:\n\n{_images(usage, now_ns)}\nContainers space usage:\n\n{_containers(usage, now_ns)}"
        f"\nLocal Volumes space usage:\n\n{_volumes(usage)}\n{_cache(usage, now_ns)}"
    )


def _row(kind: str, total: int, active: int, size_bytes: int) -> dict[str, object]:
    return {"Type": kind, "TotalCount": str(total), "Active": str(active), "Size": precise_size(size_bytes)}


def _part(part_bytes: int, whole_bytes: int) -> str:
    share = f" ({part_bytes * 100 // whole_bytes}%)" if whole_bytes else ""
    return f"{precise_size(part_bytes)}{share}"


def _images(usage: DiskUsage, now_ns: int) -> str:
    rows = [["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS"]]
    for image in usage.images:
        (row, *_) = list_rows(image.record, image.record.references, now_ns=now_ns)
        unique = image.record.size_bytes - image.shared_bytes
        sizes = (human_size(image.record.size_bytes), precise_size(image.shared_bytes), precise_size(unique))
        named = [str(row[key]) for key in ("Repository", "Tag", "ID", "CreatedSince")]
        rows.append([*named, *sizes, str(image.containers)])
    return table(rows)


def _containers(usage: DiskUsage, now_ns: int) -> str:
    rows = [["CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"]]
    for each in usage.containers:
        row = container_row(each.record, now_ns=now_ns)
        named = [str(row[key]) for key in ("ID", "Image", "Command", "LocalVolumes")]
        rows.append([*named, human_size(each.size_bytes), *(str(row[key]) for key in ("RunningFor", "Status", "Name"))])
    return table(rows)


def _volumes(usage: DiskUsage) -> str:
    rows = [["VOLUME NAME", "LINKS", "SIZE"]]
    rows += [[each.record.name, str(each.links), human_size(each.size_bytes)] for each in usage.volumes]
    return table(rows)


def _cache(usage: DiskUsage, now_ns: int) -> str:
    total = precise_size(sum(step.size_bytes for step in usage.steps if not step.is_shared))
    rows = [["CACHE ID", "CACHE TYPE", "SIZE", "LAST USED", "SHARED"]]
    rows += [
        [
            short_id(step.key),
            "exec.cachemount" if step.is_mount else "regular",
            human_size(step.size_bytes),
            since(step.used_ns, now_ns),
            str(step.is_shared).lower(),
        ]
        for step in usage.steps
    ]
    return f"Build cache usage: {total}\n\n{table(rows)}"
