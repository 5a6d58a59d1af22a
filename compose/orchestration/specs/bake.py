"""`build --print`: the same builds as a file for `docker buildx bake` (docker/compose, pkg/compose/build_bake.go)."""

from compose.orchestration.operation import BuildImage
from compose.orchestration.plan import Plan
from compose.orchestration.specs.build import built_on
from schemas.composefile.project import Project
from schemas.engine.builds import BuildSpec

_IMAGE = "docker-image://"


def bake_file(project: Project, plan: Plan) -> dict[str, object]:
    """Return the document; what has no value is left out."""
    operations = [node.operation for node in plan if isinstance(node.operation, BuildImage)]
    names = sorted(operation.name for operation in operations)
    return {
        "group": {"default": {"targets": names}},
        "target": {
            operation.name: _target(project, operation.name, operation.spec)
            for operation in sorted(operations, key=lambda each: each.name)
        },
    }


def _target(project: Project, name: str, spec: BuildSpec) -> dict[str, object]:
    build = project.all_services[name].build
    bases = {
        alias: f"target:{value.removeprefix('service:')}"
        for alias, value in (build.additional_contexts.items() if build else ())
        if value.removeprefix("service:") in built_on(project.all_services[name])
    }
    target = {
        "context": spec.context,
        "contexts": {**spec.contexts, **bases},
        "dockerfile": "" if spec.dockerfile_inline else spec.dockerfile,
        "dockerfile-inline": spec.dockerfile_inline.replace("${", "$${"),
        "args": {key: value.replace("${", "$${") for key, value in spec.arguments.items()},
        "labels": spec.labels,
        "tags": list(spec.references[1:] + spec.references[:1]),
        "cache-from": list(build.cache_from) if build else [],
        "cache-to": list(build.cache_to) if build else [],
        "target": spec.target,
        "secret": [f"id={it.id},type=file,src={it.file}" if it.file else f"id={it.id},type=env" for it in spec.secrets],
        "ssh": [f"{key}={path}" for key, path in spec.ssh.items()],
        "platforms": list(build.platforms) if build else [],
        "pull": spec.pull,
        "no-cache": spec.no_cache,
        "network": "" if spec.network == "default" else spec.network,
        "no-cache-filter": list(spec.no_cache_stages),
        "shm-size": str(build.shm_size) if build and build.shm_size else "",
        "ulimits": [f"{key}={soft}:{hard}" for key, soft, hard in spec.ulimits],
        "entitlements": list(build.entitlements) if build else [],
        "extra-hosts": dict(spec.extra_hosts),
        "output": ["type=docker"],
    }
    return {key: value for key, value in target.items() if value}
