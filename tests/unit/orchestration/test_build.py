"""Which images are built, in which order, with what; and what is told of it."""

from typing import Any

import pytest

from compose.errors import DanglingReference, ErrorGroup, ProjectError
from compose.orchestration.executor import Execution
from compose.orchestration.operation import BuildImage
from compose.orchestration.options import BuildWhen, ReconcileOptions
from compose.orchestration.plan import Plan
from compose.orchestration.specs.bake import bake_file
from compose.orchestration.specs.build import BuildOptions, build_spec
from compose.orchestration.verbs.build import BuildRequest, build, plan_build
from compose.orchestration.verbs.up import described, up
from runtime.errors import ErrorSet, Place, SourceError
from schemas.composefile.file_object import FileObject
from schemas.engine.builds import BuildSecret, BuildSpec, CacheKind, CacheSource, CacheTarget
from tests.support.builders import FOLDER, image, needs, project, service
from tests.support.fake_runtime import FakeRuntime
from tests.support.recording import Recording


def built(name: str, *, image: str = "", after: tuple[str, ...] = (), **build: Any):
    return service(name, image=image, depends_on=needs(*after), build={"context": f"/src/{name}", **build})


def spec_of(**build: Any) -> BuildSpec:
    wanted = project(built("web", **build), environment={"TOKEN": "t", "SSH_AUTH_SOCK": "/agent"})
    return build_spec(wanted, wanted.services["web"], BuildOptions())


def names(plan: Plan) -> list[str]:
    return [node.operation.name for node in plan if isinstance(node.operation, BuildImage)]


def test_only_services_with_a_build_must_be_built():
    """All of them, or those named; what they depend on with `--with-dependencies`."""
    wanted = project(built("web", after=("api",)), built("api", after=("db",)), service("db"), built("other"))
    assert names(plan_build(wanted, BuildRequest())) == ["api", "web", "other"]
    assert names(plan_build(wanted, BuildRequest(("web",)))) == ["web"]
    assert names(plan_build(wanted, BuildRequest(("web",), with_dependencies=True))) == ["api", "web"]
    with pytest.raises(ProjectError, match="no such service: nope"):
        plan_build(wanted, BuildRequest(("nope",)))


def test_an_image_that_another_is_built_on_must_be_built_first():
    """`additional_contexts: service:x`; x is built although nobody named it, and the image is what it made."""
    wanted = project(built("web", additional_contexts={"base": "service:base"}), built("base", image="me/base"))
    plan = plan_build(wanted, BuildRequest(("web",)))
    assert str(plan).splitlines() == [
        "[1] -> image:base, BuildImage, web is built on it",
        "[2] -> #1 image:web, BuildImage, build",
    ]
    assert plan.nodes[1].operation.spec.contexts == {"base": "docker-image://me/base"}
    with pytest.raises(DanglingReference, match="db, which has no `build`"):
        plan_build(project(built("web", additional_contexts={"base": "service:db"}), service("db")), BuildRequest())


def test_builds_that_do_not_need_one_another_must_go_side_by_side():
    """Equal ones too: the runtime does once what they have in common."""
    wanted = project(built("a", context="/src"), built("b", context="/src"), built("c", context="/other"))
    assert str(plan_build(wanted, BuildRequest())).splitlines() == [
        "[1] -> image:a, BuildImage, build",
        "[2] -> image:b, BuildImage, build",
        "[3] -> image:c, BuildImage, build",
    ]


def test_up_must_build_what_is_not_there_and_nothing_else():
    """`--build` builds all, `pull_policy: build` always its own, `--no-build` nothing."""
    wanted = project(built("web"), service("db"))
    runtime = FakeRuntime()
    runtime.known_images["busybox"] = image("busybox")
    up(runtime, wanted, ReconcileOptions(), Execution(Recording()))
    assert runtime.calls[0] == "build_image shop-web"
    runtime.calls.clear()
    up(runtime, wanted, ReconcileOptions(), Execution(Recording()))
    assert "build_image shop-web" not in runtime.calls
    up(runtime, wanted, ReconcileOptions(build=BuildWhen.ALWAYS), Execution(Recording()))
    assert runtime.calls[-1] == "build_image shop-web"
    always = project(built("web").model_copy(update={"pull_policy": "build"}))
    assert "pull_policy: build" in described(runtime, always, ReconcileOptions())
    assert "BuildImage" not in described(runtime, always, ReconcileOptions(build=BuildWhen.NEVER))


def test_a_build_that_fails_must_leave_nothing_started():
    """Every error in its Dockerfile is told with its line, those of other services too."""
    wanted = project(built("web"), built("api"))
    runtime, events = FakeRuntime(), Recording()
    errors = [SourceError(f"wrong {line}", place=Place("Dockerfile", line)) for line in (2, 5)]
    runtime.unbuildable = {"shop-web": [ErrorSet(errors)], "shop-api": [errors[0]]}
    with pytest.raises(ErrorGroup) as caught:
        up(runtime, wanted, ReconcileOptions(), Execution(events))
    places = [(error.message, error.span.line) for error in caught.value.errors if error.span]
    assert sorted(places) == [("wrong 2", 2), ("wrong 2", 2), ("wrong 5", 5)]
    assert not any(call.startswith(("create", "start")) for call in runtime.calls)
    assert events.ended is False


def test_steps_must_be_told_under_their_service():
    """As BuildKit names them where several are built at once."""
    wanted = project(built("web"))
    events = Recording()
    build(FakeRuntime(), wanted, plan_build(wanted, BuildRequest()), Execution(events), lambda _: None)
    assert [step.title for step in events.steps] == ["[web 1/1] RUN x"]
    assert events.lines == ["web  Building", "web  Built"]


def test_what_a_build_leaves_out_must_be_said():
    """Caches of cloud services, ways to pack layers, and attestations."""
    wanted = project(
        built(
            "web",
            cache_from=["x", "type=gha"],
            cache_to=["type=local,dest=x,compression=zstd", "type=inline"],
            sbom="true",
            provenance="false",
        )
    )
    told: list[str] = []
    build(
        FakeRuntime(),
        wanted,
        plan_build(wanted, BuildRequest()),
        Execution(Recording()),
        lambda warning: told.append(warning.message),
    )
    assert told == [
        "services.web.build.cache_from: a cache of type `gha` has no effect here",
        "services.web.build.cache_to: `compression` has no effect here: layers are packed with gzip",
        "services.web.build: `sbom` has no effect here",
    ]


def test_caches_must_be_read_as_buildx_reads_them():
    """CSV of attributes, or names of images alone; relative folders begin in the project's."""
    wanted = project(
        built(
            "web",
            cache_from=["me/a:1,me/b", "type=registry,ref=me/c", "type=local,src=x", "TYPE=local,src=/y,tag=t"],
            cache_to=["me/d", 'type=local,"dest=a,b",mode=max', "type=inline", "type=registry,ref=e,ignore-error=true"],
        )
    )
    spec = build_spec(wanted, wanted.services["web"], BuildOptions())
    registry, local = CacheKind.REGISTRY, CacheKind.LOCAL
    assert spec.cache_from == (
        CacheSource(registry, "me/a:1"),
        CacheSource(registry, "me/b"),
        CacheSource(registry, "me/c"),
        CacheSource(local, f"{FOLDER}/x"),
        CacheSource(local, "/y", tag="t"),
    )
    assert spec.cache_to == (
        CacheTarget(registry, "me/d"),
        CacheTarget(local, f"{FOLDER}/a,b", is_complete=True),
        CacheTarget(CacheKind.INLINE),
        CacheTarget(registry, "e", may_fail=True),
    )


@pytest.mark.parametrize(
    ("field", "entry", "message"),
    [
        ("cache_from", "type=registry", "a cache of type `registry` needs `ref`"),
        ("cache_from", "type=local,dest=x", "a cache of type `local` needs `src`"),
        ("cache_to", "type=local,src=x", "a cache of type `local` needs `dest`"),
        ("cache_from", "type=inline", "there is no cache of type `inline` here"),
        ("cache_to", "type=nope", "there is no cache of type `nope` here"),
        ("cache_to", "type=inline,mode=most", "`mode=most` is neither `min` nor `max`"),
        ("cache_to", "ref=x", "`ref=x` has no `type`"),
        ("cache_to", "type=local,dest", "`dest` of `type=local,dest` has no value"),
        ("cache_from", '"x', '`"x` is not valid'),
    ],
)
def test_a_cache_that_makes_no_sense_must_be_refused(field: str, entry: str, message: str):
    """With the place of its list in the file."""
    with pytest.raises(ProjectError) as caught:
        spec_of(**{field: [entry]})
    assert message in str(caught.value)
    assert caught.value.path == ("services", "web", "build", field)


def test_every_key_of_build_must_reach_the_runtime():
    """With docker compose's labels, names and defaults."""
    spec = spec_of(
        dockerfile="Dockerfile.dev",
        target="dev",
        args={"A": "1", "B": None},
        tags=["me/web:2"],
        labels={"l": "v"},
        additional_contexts={"a": "/srv/a", "b": "docker-image://alpine"},
        no_cache=True,
        no_cache_filter=["dev"],
        pull=True,
        network="host",
        extra_hosts={"h": ["10.0.0.1", "::1"]},
        shm_size=1 << 20,
        ulimits={"nofile": {"soft": 1, "hard": 2}, "nproc": {"single": 3}},
        platforms=["linux/amd64"],
        privileged=True,
        ssh={"default": "", "k": "/key"},
    )
    assert (spec.context, spec.dockerfile, spec.target) == ("/src/web", "Dockerfile.dev", "dev")
    assert (spec.references, spec.arguments) == (("shop-web", "me/web:2"), {"A": "1"})
    assert spec.labels["l"] == "v"
    assert spec.labels["com.docker.compose.service"] == "web"
    assert spec.contexts == {"a": "/srv/a", "b": "docker-image://alpine"}
    assert (spec.no_cache, spec.no_cache_stages, spec.pull, spec.network) == (True, ("dev",), True, "host")
    assert spec.extra_hosts == (("h", "10.0.0.1"), ("h", "::1"))
    assert (spec.shm_size_bytes, spec.ulimits) == (1 << 20, (("nofile", 1, 2), ("nproc", 3, 3)))
    assert (spec.platform, spec.allow_insecure) == ("linux/amd64", True)
    assert spec.ssh == {"default": "/agent", "k": "/key"}
    assert not spec.allow_host_network  # it follows from `network` alone


def test_entitlements_must_reach_the_runtime():
    """By the names that BuildKit gives them."""
    spec = spec_of(entitlements=["network.host", "security.insecure"])
    assert (spec.allow_host_network, spec.allow_insecure) == (True, True)


def test_secrets_must_come_from_files_and_variables():
    """By the name that the Dockerfile uses: the target where there is one."""
    secrets = {"f": FileObject(file="/srv/f"), "e": FileObject(environment="TOKEN")}
    wanted = project(
        built("web", secrets=[{"source": "f"}, {"source": "e", "target": "token"}]),
        secrets=secrets,
        environment={"TOKEN": "t"},
    )
    spec = build_spec(wanted, wanted.services["web"], BuildOptions())
    assert spec.secrets == (BuildSecret("f", file="/srv/f"), BuildSecret("token", value="t"))
    with pytest.raises(DanglingReference, match="undefined build secret nope"):
        spec_of(secrets=[{"source": "nope"}])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ({"network": "front"}, "is a network of the project's"),
        ({"platforms": ["linux/amd64", "linux/arm64"]}, "an image for several platforms"),
        ({"context": "x.tar.gz"}, "the context `x.tar.gz` is not a folder"),
    ],
)
def test_what_cannot_be_built_must_be_refused(build: dict[str, Any], message: str):
    """Before anything is built, with the key named."""
    with pytest.raises(ProjectError, match=message):
        spec_of(**build)


def test_a_context_that_is_elsewhere_must_reach_the_runtime_as_it_is():
    """Only a layout's folder is looked for beside the project's files."""
    for context in ("https://e/x.tar.gz", "https://e/x.git#main:sub", "git@e:x.git", "github.com/x/y.git"):
        assert spec_of(context=context).context == context
    given = {"layout": "oci-layout://base:v1", "other": "oci-layout:///srv/base", "url": "http://e/f"}
    wanted = project(built("web", additional_contexts=given))
    spec = build_spec(wanted, wanted.services["web"], BuildOptions())
    assert spec.contexts == {**given, "layout": f"oci-layout://{FOLDER}/base:v1"}


def test_print_must_give_a_bake_file():
    """The same builds, for `docker buildx bake`."""
    wanted = project(built("web", args={"A": "${x}"}, additional_contexts={"base": "service:base"}), built("base"))
    document = bake_file(wanted, plan_build(wanted, BuildRequest()))
    assert document["group"] == {"default": {"targets": ["base", "web"]}}
    assert document["target"]["web"]["args"] == {"A": "$${x}"}
    assert document["target"]["web"]["contexts"] == {"base": "target:base"}
    assert document["target"]["base"]["tags"] == ["shop-base"]
    assert document["target"]["base"]["output"] == ["type=docker"]
