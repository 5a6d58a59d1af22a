"""What a build is made from: its Dockerfile, its context, what its `.dockerignore` leaves out."""

import os
from pathlib import Path

from runtime.build.dockerfile.ignore import IgnoreRules, read_ignore_file
from runtime.build.dockerfile.instructions import Dockerfile
from runtime.build.dockerfile.reader import read_dockerfile
from runtime.build.plan import ContextSource, ImageSource, Source
from runtime.build.planning.options import PlanOptions
from runtime.build.roots import FolderRoot
from runtime.errors import InvalidArgument, NotFound, SyscallError
from runtime.image.platforms import parse_platform
from schemas.dataclass import dataclass
from schemas.engine.builds import BuildSpec

DOCKERFILE = "Dockerfile"
IGNORE_FILE = ".dockerignore"
INLINE = "Dockerfile (inline)"
_IMAGE = "docker-image://"
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Definition:
    """What was read before anything is built."""

    dockerfile: Dockerfile
    options: PlanOptions
    context: FolderRoot
    contexts: dict[str, FolderRoot]
    """Additional contexts that are folders, by name."""

    def folder(self, source: ContextSource) -> FolderRoot:
        """Return the folder that a source means."""
        return self.contexts[source.name] if source.name else self.context


def read_definition(spec: BuildSpec) -> Definition:
    """Read everything. Raises NotFound, SourceError (ErrorSet for several), InvalidArgument, SyscallError."""
    context = Path(spec.context)
    _check_folder(context, "build context")
    dockerfile = _dockerfile(spec, context)
    ignore = _ignore_rules(spec, context)
    folders: dict[str, FolderRoot] = {}
    sources: dict[str, Source] = {}
    for name, value in spec.contexts.items():
        if value.startswith(_IMAGE):
            sources[name] = ImageSource(value.removeprefix(_IMAGE))
        else:
            folder = Path(value)
            _check_folder(folder, f"additional context `{name}`")
            folders[name] = FolderRoot(folder, _patterns(_ignore_file(folder, IGNORE_FILE)))
            sources[name] = ContextSource(name)
    options = PlanOptions(
        target=spec.target,
        build_args=spec.arguments,
        platform=parse_platform(spec.platform),
        contexts=sources,
        ignore=ignore,
    )
    return Definition(dockerfile, options, FolderRoot(context, _patterns(ignore)), folders)


def _dockerfile(spec: BuildSpec, context: Path) -> Dockerfile:
    if spec.dockerfile_inline:
        return read_dockerfile(spec.dockerfile_inline.encode("utf-8", "surrogateescape"), INLINE)
    path = context / (spec.dockerfile or DOCKERFILE)
    content = _content(path)
    if content is None:
        raise NotFound(f"no such Dockerfile: `{path}`", hint="`dockerfile:` names it, relative to the build context")
    return read_dockerfile(content, _shown(path))


def _ignore_rules(spec: BuildSpec, context: Path) -> IgnoreRules | None:
    """Of the file beside the Dockerfile that is named after it, or else the context's own."""
    if not spec.dockerfile_inline:
        rules = _ignore_file(context, f"{spec.dockerfile or DOCKERFILE}.dockerignore")
        if rules is not None:
            return rules
    return _ignore_file(context, IGNORE_FILE)


def _ignore_file(context: Path, name: str) -> IgnoreRules | None:
    content = _content(context / name)
    return None if content is None else read_ignore_file(content, _shown(context / name))


def _patterns(rules: IgnoreRules | None) -> tuple[str, ...]:
    return tuple(("!" if rule.takes_back else "") + rule.pattern for rule in rules.rules) if rules else ()


def _content(path: Path) -> bytes | None:
    """The content of a regular file, None where there is none. Raises InvalidArgument, SyscallError."""
    try:
        # A pipe or a device is not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SyscallError(error.errno or 0, "open", str(path)) from error
    with open(descriptor, "rb") as file:
        if not Path(f"/proc/self/fd/{descriptor}").is_file():
            raise InvalidArgument(f"`{path}` is not a file")
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise InvalidArgument(f"`{path}` is larger than {_MOST_BYTES // 1024 // 1024} MiB")
    return content


def _check_folder(path: Path, what: str) -> None:
    if not path.is_dir():
        reason = "is not a folder" if path.exists() else "does not exist"
        raise NotFound(f"the {what} `{path}` {reason}")


def _shown(path: Path) -> str:
    """A path as messages name it: relative where it is below the working folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
