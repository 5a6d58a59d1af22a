"""The config hash: a container is recreated when its own differs from the wanted one.

It is taken of the container's spec, so it changes exactly with what changes in the container: not with
`build`, `pull_policy`, `scale`, `deploy.replicas`, `depends_on` or `profiles`, but with env_file's values, the
names of volumes and networks, and the contents of secrets and configs (docker/compose issue 11900). The
replica's name and number are left out: one hash a service.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from schemas.composefile.service import ServiceConfig
from schemas.engine.codec import to_json
from schemas.engine.specs import ContainerSpec, FileObject


def config_hash(service: ServiceConfig, spec: ContainerSpec) -> str:
    """Return 64 hexadecimal digits for a service whose containers have this spec, the user's labels alone on it."""
    same_for_all = replace(spec, name=service.container_name, number=0, oneoff=False)
    hooks = [hook.model_dump_json(exclude_defaults=True) for hook in (*service.post_start, *service.pre_stop)]
    return text_hash("\n".join([to_json(same_for_all), *hooks, *content_digests(spec.files)]))


def content_digests(files: Iterable[FileObject]) -> list[str]:
    """Return a digest for each file that is mounted as it is; what is none has the digest of nothing."""
    return [_content_hash(Path(each.source)) for each in files if each.source]


def text_hash(text: str | bytes) -> str:
    """Return the SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def _content_hash(path: Path) -> str:
    try:
        # A device has no end, and a FIFO is read once.
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        pass
    return text_hash("")
