"""A plan holds the stages that a target needs, each with its base, and steps that need no Dockerfile any more."""

import pytest

from runtime.build.plan import (
    BindMount,
    CacheMount,
    ContextSource,
    CopyStep,
    Device,
    ImageSource,
    RunStep,
    ScratchSource,
    SecretMount,
    SshMount,
    StageSource,
    TmpfsMount,
    WorkdirStep,
)
from runtime.build.planning.options import PlanOptions
from runtime.errors import ErrorSet, InvalidArgument, SourceError
from schemas.engine.records import ImageConfig
from schemas.oci.image import Platform
from tests.support.dockerfiles import DEFAULTS, PATH, plan


def step(text: str, options: PlanOptions = DEFAULTS):
    """The last step of a stage on busybox."""
    return plan(f"FROM busybox\n{text}", options).result.steps[-1]


def test_only_needed_stages_must_be_planned():
    """A stage that the target takes nothing from is not built; what it needs by base, COPY or mount is."""
    text = """
FROM a AS base
FROM base AS unused
RUN x
FROM b AS tools
FROM c AS files
FROM base
COPY --from=files /f /
RUN --mount=from=tools,target=/t y
"""
    found = plan(text)
    assert [stage.name for stage in found.stages] == ["base", "tools", "files", "stage-4"]
    assert found.result.needs == (0, 2, 3)
    assert [stage.name for stage in plan(text, PlanOptions(target="UNUSED")).stages] == ["base", "unused"]


def test_a_stage_must_be_found_by_name_before_an_image():
    """Of two stages of one name the later counts; a number is a stage for COPY, an image for FROM."""
    found = plan(
        "FROM x AS a\nFROM y AS a\nFROM a\nCOPY --from=0 /f /\nCOPY --from=redis:7 /g /\nCOPY --from=scratch / /\n"
    )
    assert found.result.base == StageSource(1)
    assert [step.source for step in found.result.steps] == [StageSource(0), ImageSource("redis:7"), ScratchSource()]
    assert plan("FROM 0\n").result.base == ImageSource("0")


def test_a_named_context_must_take_the_place_of_stages_and_images():
    """`additional_contexts` of a Compose file: by the name of a stage, of an image in any spelling, or its own."""
    contexts = {"golang": ImageSource("sha256:1"), "deps": ContextSource("deps"), "base": ScratchSource()}
    found = plan(
        "FROM alpine AS base\nRUN never\nFROM docker.io/library/golang:latest\nCOPY --from=base / /\n"
        "COPY --from=deps /x /\nRUN --mount=from=deps,target=/d y\n",
        PlanOptions(contexts=contexts),
    )
    base, result = found.stages
    assert (base.base, base.steps) == (ScratchSource(), ())
    assert result.base == ImageSource("sha256:1")
    assert [getattr(step, "source", None) for step in result.steps[:2]] == [StageSource(0), ContextSource("deps")]
    assert result.steps[2].mounts == (BindMount("/d", ContextSource("deps")),)


def test_triggers_of_a_base_image_must_run_first_and_once():
    """ONBUILD of the base comes right after FROM, may bring stages of its own, and is not inherited twice."""
    on_build = ("ENV a=1", "COPY --from=tools /x /", "RUN <<EOF\necho $a\nEOF")
    found = plan(
        "FROM busybox AS tools\nFROM parent AS child\nRUN last\nFROM child\n",
        images={"parent": ImageConfig(environment=(PATH,), on_build=on_build)},
    )
    child = found.stages[1]
    assert [stage.name for stage in found.stages] == ["tools", "child", "stage-2"]
    assert [step.text for step in child.steps] == [
        "ENV a=1",
        "COPY --from=tools /x /",
        "RUN <<EOF (echo $a)",
        "RUN last",
    ]
    assert child.config.on_build == ()
    assert found.result.steps == ()


def test_a_broken_trigger_must_be_told_as_the_base_images():
    """It stands in no file of the user's."""
    with pytest.raises(InvalidArgument, match="ONBUILD trigger `FOO x` of the base image"):
        plan("FROM parent\n", images={"parent": ImageConfig(on_build=("FOO x",))})


def test_run_must_get_its_variables_shell_user_and_folder():
    """ENV and ARG in scope, proxies beside them, the shell's argument vector."""
    options = PlanOptions(build_args={"given": "g", "HTTP_PROXY": "http://p"})
    run = step('ARG given=d\nENV a=1\nUSER u\nWORKDIR /w\nSHELL ["/bin/ash", "-ec"]\nRUN echo  "x"', options)
    assert isinstance(run, RunStep)
    assert run.arguments == ("/bin/ash", "-ec", 'echo  "x"')
    assert run.environment == (PATH, "given=g", "a=1")
    assert run.unkeyed_environment == ("HTTP_PROXY=http://p", "http_proxy=http://p")
    assert (run.user, run.working_dir) == ("u", "/w")
    assert run.history is not None
    assert run.history.created_by == 'RUN |1 given=g /bin/ash -ec echo  "x" # buildkit'


def test_a_script_in_a_here_document_must_become_a_file():
    """With `#!` it is executed, without it is what the shell is given."""
    run = step("RUN <<EOF\n#!/bin/ash\nx\nEOF\n")
    assert run.arguments == ("/bin/sh", "-c", "/dev/pipes/EOF")
    assert (run.files[0].content, run.files[0].mode) == ("#!/bin/ash\nx\n", 0o755)
    assert step("RUN <<EOF\na\nb\nEOF\n").arguments[-1] == "a\nb\n"
    assert step("RUN python <<EOF >f\na\nEOF\n").arguments[-1] == "python <<EOF >f\na\nEOF"


@pytest.mark.parametrize(
    ("mount", "resolved"),
    [
        ("target=/x", BindMount("/x", ContextSource())),
        ("source=a/../../b,target=x,rw", BindMount("/w/x", ContextSource(), "/b", read_only=False)),
        ("type=cache,target=/c/../d", CacheMount("/d", "/d")),
        (
            "type=cache,target=$t,id=i,sharing=LOCKED,mode=0700,uid=1,gid=2,from=busybox,source=/s,ro",
            CacheMount("/T", "i", "locked", ImageSource("busybox"), "/s", True, 0o700, 1, 2),
        ),
        ("type=tmpfs,target=/t,size=1.5m", TmpfsMount("/t", 1572864)),
        ("type=secret,id=a/b", SecretMount("a/b", "/run/secrets/b")),
        ("type=secret,id=a,env=", SecretMount("a", variable="a")),
        ("type=secret,target=/s/k,env=K,required,mode=0440,uid=5", SecretMount("k", "/s/k", "K", True, 0o440, 5)),
        ("type=ssh", SshMount()),
        ("type=ssh,id=x,target=s,required=true", SshMount("x", "/w/s", True)),
    ],
)
def test_a_mount_must_be_resolved(mount: str, resolved: object):
    """Targets below the working folder, sources below their root, ids and modes by default as in the reference."""
    assert step(f"ENV t=/T\nWORKDIR /w\nRUN --mount={mount} x").mounts == (resolved,)


def test_a_device_must_be_read_as_newer_versions_read_it():
    """Its name first or as a field; `required` alone or with a boolean. What is wrong is told with its line."""
    assert step("RUN --device=vendor.com/gpu=all,required x").devices == (Device("vendor.com/gpu=all", required=True),)
    assert step("RUN --device=name=gpu,required=false x").devices == (Device("gpu"),)
    for text, words in (
        ("gpu,required=maybe", "invalid value for required: `maybe`"),
        ("gpu,size=1", "unexpected key `size` in `size=1`"),
        ("gpu,other", "invalid field `other` must be a key=value pair"),
    ):
        with pytest.raises(SourceError, match=words) as caught:
            step(f"RUN --device={text} x")
        assert caught.value.place.line == 2


def test_copy_must_have_paths_that_cannot_climb():
    """Sources are below their root whatever they say; a destination is absolute and keeps its slash."""
    copy = step("WORKDIR /w\nENV d=sub\nCOPY --chown=1:2 --link ../../a /b/./c/ . $d/\n")
    assert isinstance(copy, CopyStep)
    assert copy.sources == ("a", "b/c", ".")
    assert (copy.destination, copy.owner, copy.link) == ("/w/sub/", "1:2", True)
    assert step("COPY a .").destination == "/"
    assert step("COPY a /x/../y").destination == "/y"
    assert step("COPY --parents ../x/./y/*.c /d").sources == ("x/./y/*.c",)


def test_add_must_keep_urls_as_they_are():
    """Only local paths are cleaned."""
    digest = "sha256:" + "a" * 64
    add = step(f"ADD --checksum={digest} https://example.com//a/../b /d/")
    assert (add.add, add.sources, add.checksum) == (True, ("https://example.com//a/../b",), digest)
    assert step("ADD --keep-git-dir https://example.com/x.git#v1 /d").keep_git_dir


def test_here_documents_of_copy_must_be_expanded_unless_quoted():
    """Their quotes stay."""
    copy = step("ENV v=1\nCOPY <<a <<'b' /d/\n\"$v\" '$v'\na\n$v\nb\n")
    assert [(file.name, file.content) for file in copy.files] == [("a", "\"1\" '1'\n"), ("b", "$v\n")]


@pytest.mark.parametrize(
    ("word", "name"), [("EOF", "EOF"), ("../../up", "up"), ("/etc/../root", "root"), ("./a", "a"), ("...", "...")]
)
def test_a_here_document_must_be_called_by_what_is_left_of_its_path(word: str, name: str):
    """As with BuildKit, where it is a file of an empty image: nothing leads above its root."""
    copied = step(f"COPY <<{word} /x/\na\n{word}\n")
    assert [file.name for file in copied.files] == [name]


@pytest.mark.parametrize("word", ["..", "/", "./.", "etc/passwd", "/a/b", "x" * 256])
def test_a_here_document_that_cannot_be_one_file_must_be_refused(word: str):
    """A folder of the root, a file in a folder that is not there, a name that is too long."""
    with pytest.raises(SourceError, match="a file cannot be called"):
        step(f"COPY <<{word} /x/\na\n{word}\n")


def test_workdir_must_make_its_folder_below_the_root():
    """Relative ones add up; what is kept in the image is what was written."""
    folder = step("WORKDIR a/../../b\nWORKDIR c")
    assert isinstance(folder, WorkdirStep)
    assert (folder.path, folder.config.working_dir) == ("/b/c", "/b/c")
    assert step("WORKDIR /../x//").path == "/x"


def test_a_foreign_platform_must_be_kept_with_its_image():
    """The machine's own is nothing special."""
    found = plan("FROM --platform=linux/arm64/v8 a AS b\nFROM --platform=$BUILDPLATFORM c\nCOPY --from=b / /\n")
    assert found.stages[0].base == ImageSource("a", "linux/arm64")
    assert found.result.base == ImageSource("c")
    other = plan("FROM a\nARG TARGETARCH\nENV x=$TARGETARCH\n", PlanOptions(platform=Platform("linux", "arm64")))
    assert other.platform == "linux/arm64"
    assert "x=arm64" in other.result.config.environment


def test_errors_of_different_instructions_must_be_told_together():
    """Expansion, ports and modes are found in one run."""
    with pytest.raises(ErrorSet) as caught:
        plan("FROM busybox\nENV a=${\nEXPOSE x\nCOPY --chmod=9 a b\nSTOPSIGNAL NO\n")
    places = [error.place.line for error in caught.value.errors if isinstance(error, SourceError)]
    assert places == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("FROM a AS builder\nFROM b\nCOPY --from=Build / /\n", "must be lowercase", "did you mean `builder`?"),
        ("FROM a\nCOPY --from=3 / /\n", "invalid stage index `3`", "the last one is 0"),
        ("FROM a AS b\nCOPY --from=b / /\n", "needs to be defined before", ""),
        ("ARG x\nFROM $x\n", "base name `$x` should not be blank", "`x` has no value"),
        ("FROM a\nADD --checksum=sha256:1 https://e/x /\n", "invalid checksum", "64 hexadecimal digits"),
    ],
)
def test_a_name_that_leads_nowhere_must_be_shown_with_a_hint(text: str, message: str, hint: str):
    """The nearest stage, or what to do."""
    with pytest.raises(SourceError) as caught:
        plan(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_source_date_epoch_must_be_a_number():
    """It is the time of the image."""
    assert plan("FROM a\n", PlanOptions(build_args={"SOURCE_DATE_EPOCH": "1700000000"})).epoch_s == 1700000000
    with pytest.raises(InvalidArgument, match="SOURCE_DATE_EPOCH"):
        plan("FROM a\n", PlanOptions(build_args={"SOURCE_DATE_EPOCH": "soon"}))
