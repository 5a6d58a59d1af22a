"""A stage that is done, and the image that it becomes (OCI image-spec, config.md).

Times come from the layers: the image of a build that finds all in the cache is the same one, to the byte.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

from runtime.build.plan import BuildPlan, History, PlannedStage
from runtime.build.remotecache.documents import INLINE
from runtime.image.configuration import CONFIG_NAMES, config_to_plain, format_time
from runtime.image.layers import Layer
from schemas.dataclass import dataclass
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageConfig
from schemas.oci.image import Descriptor

_NOT_INHERITED = frozenset({INLINE, "container", "container_config", "docker_version", "id", "parent", "throwaway"})
_SECOND_NS = 10**9


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage is made of, so far or in the end."""

    diff_ids: tuple[DiffID, ...] = ()
    """Lowest first."""
    descriptors: tuple[Descriptor, ...] = ()
    """Blobs of the base image's layers."""
    history: tuple[Mapping[str, object], ...] = ()
    document: Mapping[str, object] | None = None
    """Configuration of the base image, for what it says beside."""
    modified_ns: int = 0
    """When its topmost layer was made."""

    def with_layer(self, layer: Layer, made_ns: int) -> "StageResult":
        """Return it with another layer on top."""
        return replace(self, diff_ids=(*self.diff_ids, layer.diff_id), modified_ns=made_ns)

    def with_history(self, line: History | None) -> "StageResult":
        """Return it with a line of history, if there is one."""
        if line is None:
            return self
        entry: dict[str, object] = {
            "created": format_time(self.modified_ns),
            "created_by": line.created_by,
            "comment": line.comment,
        }
        if line.empty_layer:
            entry["empty_layer"] = True
        return replace(self, history=(*self.history, entry))


def configuration_of(
    plan: BuildPlan, stage: PlannedStage, result: StageResult, labels: Mapping[str, str], cache: str = ""
) -> bytes:
    """Return the configuration document of the image; `cache` tells of the steps (remotecache.documents.inline_of)."""
    base = dict(result.document or {})
    kept = {name: value for name, value in base.items() if name not in _NOT_INHERITED}
    config = replace(stage.config, labels={**stage.config.labels, **labels})
    created_ns = result.modified_ns if plan.epoch_s is None else plan.epoch_s * _SECOND_NS
    system, architecture, *variant = plan.platform.split("/")
    document = {
        **kept,
        "architecture": base.get("architecture") or architecture,
        "config": _config(kept.get("config"), config),
        "created": format_time(created_ns),
        "history": [_clamped(entry, plan.epoch_s) for entry in result.history],
        "os": base.get("os") or system,
        "rootfs": {"type": "layers", "diff_ids": list(result.diff_ids)},
    }
    if variant and "variant" not in document:
        document["variant"] = variant[0]
    if cache:
        document[INLINE] = cache
    if stage.author:
        document["author"] = stage.author
    return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def _config(base: object, config: ImageConfig) -> dict[str, object]:
    """The `config` part: what we know of it as it is now, what else the base image says as it says it."""
    others = base if isinstance(base, dict) else {}
    return {**{name: value for name, value in others.items() if name not in CONFIG_NAMES}, **config_to_plain(config)}


def _clamped(entry: Mapping[str, object], epoch_s: int | None) -> Mapping[str, object]:
    if epoch_s is None:
        return entry
    latest = format_time(epoch_s * _SECOND_NS)
    return {**entry, "created": min(str(entry.get("created", latest)), latest)}
