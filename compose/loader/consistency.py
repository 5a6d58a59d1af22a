"""Checks across the model: references, contradictions, cycles. Source: compose-go, loader/validate.go.

Every check looks at one service and yields what it finds, so one run tells all.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from compose.errors import CircularDependency, DanglingReference
from compose.loader.problem import Problem, Problems
from compose.loader.selection import depending_attribute, enabling
from compose.loader.shapes import nearest
from compose.loader.tree_path import Tree


def check_consistency(model: Tree, disabled: Tree) -> None:
    """Raises Problems. `model` is typed, its services are the enabled ones."""
    _raise_any(chain(_found(_REFERENCES + _CONTRADICTIONS, model, disabled), _secrets_without_source(model)))
    _raise_any(_cycles(model["services"]))


def check_references(model: Tree, disabled: Tree) -> None:
    """What can be said of a model whose values have no types yet. Raises Problems."""
    _raise_any(_found(_REFERENCES, model, disabled))


def _raise_any(found: Iterator[Problem]) -> None:
    problems = Problems(found)
    if problems.problems:
        raise problems


def _found(checks: "tuple[_Check, ...]", model: Tree, disabled: Tree) -> Iterator[Problem]:
    for name, service in model["services"].items():
        for check in checks:
            yield from check(name, service, model, disabled)


def check_container_names(services: Tree) -> None:
    """Raises Problem where two services give their container one name."""
    owners: dict[str, str] = {}
    for name, service in services.items():
        container = service.get("container_name")
        if container and owners.setdefault(container, name) != name:
            message = f'services.{name}: container name "{container}" is already in use by service {owners[container]}'
            other = ("services", owners[container], "container_name")
            raise Problem(message, ("services", name, "container_name"), also=("the other is", other))


def _image_or_build(name: str, service: Tree, _: Tree, __: Tree) -> Iterator[Problem]:
    if not service.get("image") and service.get("build") is None and service.get("provider") is None:
        message = f'service "{name}" has neither an image nor a build context specified'
        yield Problem(message, ("services", name), hint="add `image:` or `build:`", on_key=True)


def _build(name: str, service: Tree, model: Tree, disabled: Tree) -> Iterator[Problem]:
    build = service.get("build")
    if build is None:
        return
    path = ("services", name, "build")
    if build.get("dockerfile_inline") and build.get("dockerfile"):
        message = f'service "{name}" declares mutualy exclusive dockerfile and dockerfile_inline'
        first = ("the other is", (*path, "dockerfile"))
        yield Problem(message, (*path, "dockerfile_inline"), on_key=True, also=first, hint="keep one of them")
    for context, target in (build.get("additional_contexts") or {}).items():
        if not target.startswith("service:"):
            continue
        other = target.removeprefix("service:")
        place = (*path, "additional_contexts", context)
        if other not in model["services"]:
            message = f'service "{name}" declares unknown service "{other}" as additional contexts {context}'
            yield Problem(
                message,
                place,
                kind=DanglingReference,
                hint=_known(other, model, disabled),
            )
        elif model["services"][other].get("build") is None:
            message = f'service "{name}" declares non-buildable service "{other}" as additional contexts {context}'
            yield Problem(message, place, hint=f"give `{other}` a `build:`, or name an image")
    platforms, platform = build.get("platforms") or (), service.get("platform")
    if platforms and platform and platform not in platforms:
        message = f'service.build.platforms MUST include service.platform "{platform}"'
        own = ("`platform` is", ("services", name, "platform"))
        yield Problem(message, (*path, "platforms"), hint=f"add `{platform}` to the list", also=own)


def _known(other: str, model: Tree, disabled: Tree) -> str:
    return enabling(other, model["services"], {**disabled, **model["services"]})


def _references(name: str, service: Tree, model: Tree, _: Tree) -> Iterator[Problem]:
    """Networks, volumes, secrets, configs and models that must be declared."""
    build_secrets = (service.get("build") or {}).get("secrets") or ()
    volumes = [item.get("source") for item in service.get("volumes") or () if item.get("type") == "volume"]
    used: tuple[tuple[str, str, Any, tuple[str, ...]], ...] = (
        ("network", "networks", service.get("networks") or {}, ("networks",)),
        ("volume", "volumes", filter(None, volumes), ("volumes",)),
        ("build secret", "secrets", (item.get("source") for item in build_secrets), ("build", "secrets")),
        ("config", "configs", (item.get("source") for item in service.get("configs") or ()), ("configs",)),
        ("model", "models", service.get("models") or {}, ("models",)),
        ("secret", "secrets", (item.get("source") for item in service.get("secrets") or ()), ("secrets",)),
    )
    for what, section, keys, place in used:
        declared = model.get(section) or {}
        for key in keys:
            if key not in declared:
                hint = _declaring(what, section, str(key), declared)
                message = f'service "{name}" refers to undefined {what} {key}'
                yield Problem(message, ("services", name, *place, str(key)), kind=DanglingReference, hint=hint)


def _declaring(what: str, section: str, key: str, declared: Tree) -> str:
    if what == "volume" and "/" in key:
        return f"a path of the host begins with `./`, as in `./{key}`"
    return nearest(key, declared) or f"declare it under the top-level `{section}:`"


def _dependencies(name: str, service: Tree, model: Tree, disabled: Tree) -> Iterator[Problem]:
    for other, dependency in (service.get("depends_on") or {}).items():
        if other in model["services"] or (other in disabled and not dependency.get("required", True)):
            continue
        message = f'service "{name}" depends on undefined service "{other}"'
        path = ("services", name, depending_attribute(service, other), other)
        yield Problem(
            message,
            path,
            kind=DanglingReference,
            hint=_known(other, model, disabled),
        )


def _network_mode(name: str, service: Tree, _: Tree, __: Tree) -> Iterator[Problem]:
    if service.get("network_mode") and service.get("networks"):
        message = f"service {name} declares mutually exclusive `network_mode` and `networks`"
        other = ("the other is", ("services", name, "networks"))
        yield Problem(message, ("services", name, "network_mode"), hint="keep one of them", also=other)


def _health_test(name: str, service: Tree, _: Tree, __: Tree) -> Iterator[Problem]:
    test = (service.get("healthcheck") or {}).get("test")
    if test and test[0] not in ("CMD", "CMD-SHELL", "NONE"):
        message = 'healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"'
        yield Problem(
            message,
            ("services", name, "healthcheck", "test", 0),
            needle=test[0],
            hint=f'write `["CMD", "{test[0]}", …]`, or one string for the shell',
        )


def _replicas(name: str, service: Tree, _: Tree, __: Tree) -> Iterator[Problem]:
    path = ("services", name, "scale")
    deploy_path = ("services", name, "deploy", "replicas")
    scale, replicas = service.get("scale"), (service.get("deploy") or {}).get("replicas")
    if scale is not None and replicas is not None and scale != replicas:
        message = f"services.{name}: can't set distinct values on 'scale' and 'deploy.replicas'"
        yield Problem(message, path, hint="keep one of them", also=("the other is", deploy_path))
    if scale is not None and scale < 0:
        yield Problem(f"services.{name}.scale: must be greater than or equal to 0", path)
    if replicas is not None and replicas < 0:
        yield Problem(f"services.{name}.deploy.replicas: must be greater than or equal to 0", deploy_path)
    count = scale if scale is not None else replicas
    if count is not None and count > 1 and service.get("container_name"):
        attribute, other = ("deploy.replicas", deploy_path) if scale is None else ("scale", path)
        message = f"services.{name}: can't set container_name and {count} replicas, as container name must be unique"
        hint = "without `container_name` each container gets a name of its own"
        yield Problem(message, ("services", name, "container_name"), hint=hint, also=(f"`{attribute}` is", other))


_LIMITS = (
    ("cpus", "limits", "cpus"),
    ("mem_limit", "limits", "memory"),
    ("mem_reservation", "reservations", "memory"),
    ("pids_limit", "limits", "pids"),
)


def _limits(name: str, service: Tree, _: Tree, __: Tree) -> Iterator[Problem]:
    resources = (service.get("deploy") or {}).get("resources") or {}
    for old, section, new in _LIMITS:
        limits = resources.get(section)
        if service.get(old) and limits is not None and (limits.get(new) or 0) != service[old]:
            full = f"deploy.resources.{section}.{new}"
            message = f"services.{name}: can't set distinct values on '{old}' and '{full}'"
            hint = f"keep one of them, `{full}` is the newer"
            other = ("the other is", ("services", name, *full.split(".")))
            yield Problem(message, ("services", name, old), hint=hint, also=other)


def _watch(name: str, service: Tree, _: Tree, __: Tree) -> Iterator[Problem]:
    for index, rule in enumerate((service.get("develop") or {}).get("watch") or ()):
        if not rule.get("target") and rule.get("action") not in ("rebuild", "restart"):
            message = f"services.{name}.develop.watch: target is required for non-rebuild actions"
            yield Problem(message, ("services", name, "develop", "watch", index), hint="add `target:`")


def _mount_targets(name: str, service: Tree, _: Tree, __: Tree) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    mounts = [("tmpfs", index, item.partition(":")[0]) for index, item in enumerate(service.get("tmpfs") or ())]
    mounts += [("volumes", index, item.get("target", "")) for index, item in enumerate(service.get("volumes") or ())]
    for attribute, index, target in mounts:
        place = f"services.{name}.{attribute}[{index}]"
        if taken.setdefault(target, place) != place:
            message = f"{place}: target {target} already mounted as {taken[target]}"
            yield Problem(message, ("services", name, attribute, index), needle=target)


_Check = Callable[[str, Tree, Tree, Tree], Iterator[Problem]]
_REFERENCES: tuple[_Check, ...] = (_image_or_build, _build, _network_mode, _references, _dependencies)
_CONTRADICTIONS: tuple[_Check, ...] = (_health_test, _replicas, _limits, _watch, _mount_targets)


def _secrets_without_source(model: Tree) -> Iterator[Problem]:
    for name, secret in (model.get("secrets") or {}).items():
        if not (secret.get("external") or secret.get("file") or secret.get("environment")):
            message = f'secret "{name}" must declare either `file` or `environment`'
            yield Problem(message, ("secrets", name), on_key=True)


def _cycles(services: Tree) -> Iterator[Problem]:
    """The first dependency cycle, starting at its first service in the order of names."""
    finished: set[str] = set()
    for start in sorted(services):
        chain = _chain_back(start, services, finished)
        if chain:
            text = " -> ".join(chain)
            path = ("services", chain[0], depending_attribute(services[chain[0]], chain[1]), chain[1])
            yield Problem(f"dependency cycle detected: {text}", path, kind=CircularDependency)
            return


def _chain_back(start: str, services: Tree, finished: set[str]) -> tuple[str, ...]:
    """A chain of dependencies that comes back to where it begins. Without recursion: chains may be long."""
    chain: dict[str, Iterator[str]] = {}
    entering = start
    while True:
        if entering in chain:
            names = list(chain)
            return (*names[names.index(entering) :], entering)
        if entering not in finished and entering in services:
            chain[entering] = iter(sorted(services[entering].get("depends_on") or {}))
        while chain:
            name, rest = next(reversed(chain.items()))
            following = next(rest, None)
            if following is not None:
                entering = following
                break
            finished.add(name)
            del chain[name]
        else:
            return ()
