"""What `publish` would disclose, as questions: nobody publishes a password without having been asked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compose.loader.publishing import Publication
from schemas.composefile.project import Project

_SENSITIVE_NAME = re.compile(
    r"(api|access|private|encryption|signing)_?key|credential|passw|passphrase|(^|_)(pass|pwd|auth)($|_)|secret|token",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"[^${\s].+[^}\s]", re.DOTALL)
"""A value that is no `${VARIABLE}` and no template."""
_SENSITIVE_TEXTS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an access key of AWS": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\bgh[oprsu]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{22}"),
    "a token of GitLab": re.compile(r"\bglpat-[A-Za-z0-9_-]{20}"),
    "a token of Slack": re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10}"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"),
    "a password in a URL": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@${}]+:[^\s/:@${}]+@"),
}


def questions(
    project: Project, found: Publication, texts: Sequence[tuple[str, bytes]], *, with_env: bool
) -> Iterator[str]:
    """Yield what has to be answered with yes. `texts` are the files that will be published, with their paths."""
    if binds := _bind_mounts(project):
        yield (
            "you are about to publish bind mounts declaration within your OCI artifact.\n"
            "only the bind mount declarations will be added to the OCI artifact (not content)\n"
            f"please double check that you are not mounting potential user's sensitive directories or data\n{binds}"
            "Are you ok to publish these bind mount declarations?"
        )
    if sensitive := "".join(f"  {line}\n" for path, content in texts for line in _sensitive(path, content)):
        yield (
            "you are about to publish sensitive data within your OCI artifact.\n"
            f"please double check that you are not leaking sensitive data\n{sensitive}"
            "Are you ok to publish these sensitive data?"
        )
    if not with_env and (declared := "".join(f"  {line}\n" for line in _env_declarations(found.services))):
        yield (
            "you are about to publish env-related declarations within your OCI artifact.\n"
            "env_file paths and literal values for sensitive-looking keys are embedded as-is in the published YAML;\n"
            f'interpolated values like "${{VAR}}" are kept symbolic and have already been excluded.\n{declared}'
            "Use --with-env to silence this prompt and always publish env declarations.\n"
            "Are you ok to publish these env declarations?"
        )
    if literal := "".join(f'  config "{name}"\n' for name in _literal_configs(found.configs)):
        yield (
            f"you are about to publish literal inline config content within your OCI artifact.\n{literal}"
            "Are you ok to publish these config contents?"
        )


def _bind_mounts(project: Project) -> str:
    return "".join(
        f'  service "{name}": {volume.source}:{volume.target}\n'
        for name, service in sorted(project.services.items())
        for volume in service.volumes
        if volume.type == "bind"
    )


def _sensitive(path: str, content: bytes) -> Iterator[str]:
    """Yield where something is that looks secret; not the thing itself, which would end up in logs."""
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        for kind, pattern in _SENSITIVE_TEXTS.items():
            if pattern.search(line):
                yield f"{path}:{number}: {kind}"


def _env_declarations(services: Sequence[tuple[str, Any]]) -> Iterator[str]:
    lines: dict[str, None] = {}
    for name, service in services:
        written = service if isinstance(service, dict) else {}
        if written.get("env_file"):
            lines[f'service "{name}": env_file declared'] = None
        values = _environment(written.get("environment"))
        if keys := sorted(key for key, value in values.items() if _SENSITIVE_NAME.search(key) and _is_literal(value)):
            quoted = ", ".join(f'"{key}"' for key in keys)
            lines[f'service "{name}": literal value for {quoted}'] = None
    yield from sorted(lines)


def _environment(written: object) -> Mapping[str, str]:
    if isinstance(written, dict):
        return {key: str(value) for key, value in written.items() if value is not None}
    items = [str(item).partition("=") for item in written] if isinstance(written, list) else []
    return {key: value for key, _, value in items}


def _is_literal(value: str) -> bool:
    # `$$` stands for a dollar sign, and begins no variable.
    return bool(_LITERAL.match(value.replace("$$", "X")))


def _literal_configs(configs: Sequence[tuple[str, Any]]) -> list[str]:
    return sorted(
        {
            name
            for name, config in configs
            if isinstance(config, dict) and isinstance(content := config.get("content"), str) and _is_literal(content)
        }
    )
