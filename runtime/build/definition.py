"""What a build is made from: its Dockerfile, its contexts, what its `.dockerignore` leaves out."""

from runtime.build.contexts import Context, Contexts
from runtime.build.dockerfile.ignore import IgnoreRules
from runtime.build.dockerfile.instructions import Dockerfile
from runtime.build.dockerfile.reader import read_dockerfile
from runtime.build.plan import ContextSource, ImageSource, Source
from runtime.build.planning.options import PlanOptions
from runtime.build.roots import FolderRoot, Root
from runtime.build.texts import IGNORE_FILE, ignore_rules_at, patterns, shown, text_at, text_below
from runtime.errors import NotFound
from runtime.image.platforms import parse_platform
from schemas.dataclass import dataclass
from schemas.engine.builds import BuildSpec

DOCKERFILE = "Dockerfile"
INLINE = "Dockerfile (inline)"


@dataclass(frozen=True, slots=True)
class Definition:
    """What was read before anything is built."""

    dockerfile: Dockerfile
    options: PlanOptions
    context: Root
    contexts: dict[str, Root]
    """Additional contexts that are no images, by name."""

    def root(self, source: ContextSource) -> Root:
        """Return what a source means."""
        return self.contexts[source.name] if source.name else self.context


def read_definition(spec: BuildSpec, contexts: Contexts) -> Definition:
    """Read everything. Raises NotFound, SourceError (ErrorSet for several), InvalidArgument, SyscallError."""
    context = contexts.main()
    dockerfile = _dockerfile(spec, context)
    ignore = _ignore_rules(spec, context)
    root = FolderRoot(context.root.path, patterns(ignore)) if isinstance(context.root, FolderRoot) else context.root
    roots: dict[str, Root] = {}
    sources: dict[str, Source] = {}
    for name, value in spec.contexts.items():
        found = contexts.named(name, value)
        if isinstance(found, ImageSource):
            sources[name] = found
        else:
            roots[name] = found
            sources[name] = ContextSource(name)
    options = PlanOptions(
        target=spec.target,
        build_args=spec.arguments,
        platform=parse_platform(spec.platform),
        contexts=sources,
        ignore=ignore,
    )
    return Definition(dockerfile, options, root, roots)


def _dockerfile(spec: BuildSpec, context: Context) -> Dockerfile:
    if spec.dockerfile_inline:
        return read_dockerfile(spec.dockerfile_inline.encode("utf-8", "surrogateescape"), INLINE)
    if context.dockerfile is not None:
        return read_dockerfile(context.dockerfile, context.name)
    name = spec.dockerfile or DOCKERFILE
    path = context.folder / name
    content = text_at(path) if context.is_local else text_below(context.folder, name)
    where = f"`{path}`" if context.is_local else f"`{name}` in {context.name}"
    if content is None:
        raise NotFound(f"no such Dockerfile: {where}", hint="`dockerfile:` names it, relative to the build context")
    return read_dockerfile(content, shown(path) if context.is_local else name)


def _ignore_rules(spec: BuildSpec, context: Context) -> IgnoreRules | None:
    """Of the file beside the Dockerfile that is named after it, or else the context's own; of a folder alone."""
    if not context.is_local:
        return None
    if not spec.dockerfile_inline:
        rules = ignore_rules_at(context.folder / f"{spec.dockerfile or DOCKERFILE}.dockerignore")
        if rules is not None:
            return rules
    return ignore_rules_at(context.folder / IGNORE_FILE)
