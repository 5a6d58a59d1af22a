"""`publish`: the project's files into a registry, from where `-f oci://…` takes them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from compose.cli import disclosure, image_digests, registry
from compose.cli.context import Context
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.interrupts import interruptible
from compose.errors import ProjectError
from compose.loader.publishing import Publication, Publisher
from compose.loader.source import DiskReader
from compose.loader.yaml_writer import dump
from compose.orchestration.executor import Execution
from compose.orchestration.verbs.push import PushOptions, plan_push, push
from compose.remote.publication import OCI_VERSIONS, Layer, blobs, compose_layer, env_layer, manifest
from compose.version import __version__
from schemas.composefile.project import Project


def run(context: Context) -> int:
    """Ask what has to be asked, push the images that are built here, then the files."""
    options = context.options
    _check(options.app, options.oci_version)
    options.profile = ["*"]
    result = context.load()
    project = result.project
    _require_images(project)
    reader = DiskReader()
    found = Publisher(reader, result.variables).collect(project.compose_files, project.working_dir)
    envs = {path: reader.read(path) for path in found.env_files} if options.with_env else {}
    texts = [*((file.path, file.content) for file in found.compose_files), *envs.items()]
    for question in () if options.yes else disclosure.questions(project, found, texts, with_env=options.with_env):
        if not context.confirm(question):
            hint = "`--yes` answers all questions with yes"
            raise ProjectError("canceled: nothing was published", hint=hint, exit_code=INTERRUPTED)
    if options.dry_run:
        context.show_plan(_plan(project, found, envs, options.repository))
        return SUCCESS
    if not _push_images(context, project):
        return INTERRUPTED
    _push_files(context, _layers(project, found, envs, pin=options.resolve_image_digests))
    return SUCCESS


def _check(app: bool, oci_version: str) -> None:
    if app:
        hint = "`--resolve-image-digests` pins them where they are"
        raise ProjectError("`--app` is not supported: images are not copied beside the files", hint=hint)
    if oci_version and oci_version not in OCI_VERSIONS:
        raise ProjectError(f"unsupported OCI version: {oci_version}", hint="it is `1.0` or `1.1`")


def _require_images(project: Project) -> None:
    nameless = [name for name, service in sorted(project.services.items()) if service.build and not service.image]
    if nameless:
        names = "".join(f'\n- "{name}"' for name in nameless)
        raise ProjectError(
            f"your Compose stack cannot be published as it only contains a build section for service(s):{names}",
            hint="`image:` beside `build:` says under which name the image is pushed",
        )


def _plan(project: Project, found: Publication, envs: dict[str, bytes], repository: str) -> str:
    images, _ = plan_push(project, PushOptions())
    files = [
        *((file.path, file.name) for file in found.compose_files),
        *((path, found.env_files[path]) for path in envs),
    ]
    lines = [f"publish {path} as {name} in {repository}" for path, name in files]
    return "\n".join(filter(None, (str(images), *lines)))


def _push_images(context: Context, project: Project) -> bool:
    """Push what services build; a failure is told, for the image may be there. False when interrupted."""
    if not any(service.build for service in project.services.values()):
        # So that nobody has to be root for files.
        return True
    with interruptible() as interruption:
        execution = Execution(context.progress(silent=False), context.options.parallel, interruption)
        outcome = push(context.runtime(), project, PushOptions(), execution)
    for failure in outcome.failures:
        context.note(f"Pushing {failure.message}")
    return not outcome.interrupted


def _layers(project: Project, found: Publication, envs: dict[str, bytes], *, pin: bool) -> list[Layer]:
    files = [
        compose_layer(file.name, file.content, __version__, is_extended=file.is_extended)
        for file in found.compose_files
    ]
    files += [env_layer(found.env_files[path], content, __version__) for path, content in envs.items()]
    if pin:
        images = dump(image_digests.lock_file(image_digests.pinned(project))).encode()
        files.append(compose_layer("image-digests.yaml", images, __version__))
    return files


def _push_files(context: Context, layers: Sequence[Layer]) -> None:
    options = context.options
    created = datetime.now(UTC).isoformat(timespec="seconds")
    versions = (options.oci_version,) if options.oci_version else OCI_VERSIONS
    context.note(f" {options.repository} publishing")
    artefacts = registry.load(registry.ARTEFACTS).RemoteArtefacts()
    artefacts.push(options.repository, blobs(layers), [manifest(layers, version, created) for version in versions])
    context.note(f" {options.repository} published")
