"""Images built from Dockerfiles, and the projects that run on them."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import registry
from tests.support.cli import Cli
from tests.support.git import Repository

pytestmark = pytest.mark.usefixtures("busybox")

STACK = """
name: shop
services:
  web:
    build: ./web
    command: ["sh", "-c", "cat /page; cat /version; exec sleep 60"]
    init: true
  worker:
    image: me/worker:1
    build:
      context: ./web
      target: tools
      args: {V: "9"}
      tags: [me/worker:latest]
      labels: {team: blue}
    command: ["cat", "/version"]
"""
DOCKERFILE = """\
FROM busybox AS tools
ARG V=1
RUN echo "version $V" > /version
FROM busybox
COPY --from=tools /version /
COPY page /
"""


@pytest.fixture
def stack(cli: Cli) -> Cli:
    """Two services, built from one Dockerfile."""
    cli.write(STACK)
    cli.write(DOCKERFILE, "web/Dockerfile")
    cli.write("hello\n", "web/page")
    return cli


def _images(cli: Cli) -> dict[str, str]:
    rows = [line.split() for line in cli.run("image", "ls", "--no-trunc").stdout.splitlines()[1:]]
    return {f"{row[0]}:{row[1]}": row[2] for row in rows}


def test_up_must_build_what_is_not_there_and_run_it(stack: Cli):
    """127: the first `up` builds, the next one does nothing, `--build` finds everything in the cache."""
    first = stack.run("up", "-d")
    assert "web  Built" in first.stderr
    stack.run("wait", "worker")
    logs = stack.run("logs", "--no-log-prefix").stdout.splitlines()
    assert sorted(logs) == ["hello", "version 1", "version 9"]
    again = stack.run("up", "-d")
    assert "Build" not in again.stderr
    images = _images(stack)
    assert {"shop-web:latest", "me/worker:1", "me/worker:latest"} < set(images)
    cached = stack.run("up", "-d", "--build", "web")
    assert "CACHED" in cached.stderr
    assert _images(stack) == images, "an image whose build finds all in the cache is the same one"
    assert "Container shop-web-1  Running" in cached.stderr
    stack.run("down", "-t", "0")


def test_a_changed_file_must_give_another_image_and_container(stack: Cli):
    """Only the steps after the change are done again, only the service that changed is recreated."""
    stack.run("up", "-d", "web")
    stack.write("changed\n", "web/page")
    done = stack.run("up", "-d", "--build", "web")
    lines = done.stderr.splitlines()
    step = next(index for index, line in enumerate(lines) if "COPY --from=tools" in line)
    assert lines[step + 1].endswith("CACHED")
    step = next(index for index, line in enumerate(lines) if "COPY page" in line)
    assert "DONE" in lines[step + 1]
    assert "Container shop-web-1  Recreated" in done.stderr
    assert "changed" in stack.run("exec", "web", "cat", "/page").stdout
    stack.run("down", "-t", "0")


def test_a_failing_instruction_must_be_shown_with_its_last_output(stack: Cli):
    """File, line, the line itself, what it said; nothing is started, and the network is not made."""
    stack.write("FROM busybox\n\nRUN echo first && \\\n  echo 'oh no' >&2 && exit 3\n", "web/Dockerfile")
    failed = stack.run("up", "-d", "web", code=1)
    assert "did not complete successfully: exit code: 3" in failed.stderr
    assert "--> web/Dockerfile:3:1" in failed.stderr
    assert "3 | RUN echo first" in failed.stderr
    assert "  oh no" in failed.stderr
    assert "Network" not in failed.stderr
    assert stack.run("ps", "-a", "-q").stdout == ""
    assert "shop-web:latest" not in _images(stack)


def test_all_errors_of_a_dockerfile_must_be_shown_at_once(stack: Cli):
    """Each with its line and a hint, before anything is done."""
    stack.write("FORM busybox\nFROM busybox\nCOPPY a b\nENV x\n", "web/Dockerfile")
    failed = stack.run("build", "web", code=1)
    assert [line for line in failed.stderr.splitlines() if line.lstrip().startswith("-->")] == [
        "  --> web/Dockerfile:1:1",
        "  --> web/Dockerfile:3:1",
        "  --> web/Dockerfile:4:1",
    ]
    assert "hint: did you mean `COPY`?" in failed.stderr
    assert failed.stderr.rstrip().endswith("3 errors")
    assert "#1 ERROR: unknown instruction: `FORM` (and 2 more)" in failed.stdout.splitlines()


def test_an_image_of_too_many_layers_must_be_refused_at_the_line_that_is_one_too_many(stack: Cli):
    """Not with what the kernel says to so many lower directories."""
    stack.write("FROM scratch\n" + "COPY --link page /\n" * 501, "web/Dockerfile")
    failed = stack.run("build", "web", code=1)
    assert "error: an image has no more than 500 layers\n    --> web/Dockerfile:502:1" in failed.stderr


def test_a_failing_trigger_must_be_told_apart_from_the_line_that_brought_it(stack: Cli):
    """The line shown is FROM's, which is not what failed: the message says what is."""
    for trigger, reason in (
        ("COPY nope /x", '"/nope": not found'),
        ("RUN exit 3", 'process "/bin/sh -c exit 3" did not'),
    ):
        stack.write(f"FROM busybox AS base\nONBUILD {trigger}\nFROM base\n", "web/Dockerfile")
        failed = stack.run("build", "web", code=1)
        assert f"error: ONBUILD trigger `{trigger}` of the base image: {reason}" in failed.stderr
        assert "--> web/Dockerfile:3:1" in failed.stderr


def test_build_must_do_what_its_flags_say(stack: Cli):
    """Arguments, no cache, quiet, a name that is no service; progress is on standard output as docker compose's."""
    done = stack.run("build", "--build-arg", "V=5", "web")
    assert "#1 [web internal] load build definition from Dockerfile" in done.stdout
    assert "version 5" in stack.run("run", "--rm", "web", "cat", "/version").stdout
    assert "RUN" not in stack.run("build", "-q", "--build-arg", "V=5").stdout
    again = stack.run("build", "--no-cache", "--build-arg", "V=5", "web").stdout
    assert again.count("CACHED") == 2, "the base images alone"
    assert stack.run("build", "nope", code=1).stderr.startswith("error: no such service: nope")
    plan = stack.run("build", "--dry-run").stdout
    assert plan.splitlines() == ["[1] -> image:web, BuildImage, build", "[2] -> image:worker, BuildImage, build"]
    assert json.loads(stack.run("build", "--print").stdout)["target"]["worker"]["target"] == "tools"
    stack.run("down", "-t", "0")


def test_check_must_tell_what_is_probably_not_meant(stack: Cli):
    """As `docker build --check`: a warning is no failure, unless the file says so."""
    stack.write("FROM busybox as X\nMAINTAINER me\n", "web/Dockerfile")
    found = stack.run("build", "--check", "web")
    assert "WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/" in found.stdout
    assert "web/Dockerfile:2" in found.stdout
    assert "Check complete, 3 warnings have been found!" in found.stdout
    stack.write("# check=error=true\nFROM busybox as x\n", "web/Dockerfile")
    stack.run("build", "--check", "web", code=1)
    refused = stack.run("build", "web", code=1)
    assert "lint violation found for rules: FromAsCasing" in refused.stderr


def test_a_service_must_be_built_on_another(cli: Cli):
    """`additional_contexts: service:x` builds x first, and takes files of a folder beside."""
    cli.write("""
name: shop
services:
  app:
    build:
      context: .
      additional_contexts: {runtime: "service:base", assets: ./assets}
      dockerfile_inline: |
        FROM runtime
        COPY --from=assets logo /logo
        RUN --mount=from=assets,target=/a cat /a/logo /made > /both
        CMD ["cat", "/both"]
  base:
    build:
      context: .
      dockerfile_inline: |
        FROM busybox
        RUN echo base > /made
        ONBUILD ENV FROM_BASE=1
""")
    cli.write("logo\n", "assets/logo")
    assert "app: Check complete, no warnings found." in cli.run("build", "--check").stdout, "nothing is there yet"
    done = cli.run("run", "--rm", "app")
    assert done.stdout.endswith("logo\nbase\n")
    assert "FROM_BASE=1" in cli.run("run", "--rm", "app", "env").stdout
    cli.run("down")


def test_secrets_must_be_there_for_the_step_and_nowhere_else(cli: Cli, tmp_path: Path):
    """From a file and a variable; neither in a layer nor in the image's history."""
    cli.write("""
name: shop
services:
  app:
    build:
      context: .
      secrets: [key, {source: token, target: t}]
      dockerfile_inline: |
        FROM busybox
        RUN --mount=type=secret,id=key --mount=type=secret,id=t,env=T \\
          test "$$(cat /run/secrets/key)$$T" = 's3c''ret-key0t0''ken'
        RUN test ! -e /run/secrets/key
secrets:
  key: {file: ./key}
  token: {environment: TOKEN}
""")
    cli.write("s3cret-key", "key")
    done = cli.run("build", environment={"TOKEN": "0t0ken"})
    assert "s3cret" not in done.stdout + done.stderr
    state = tmp_path / "state"
    for path in state.rglob("*"):
        if path.is_file() and path.stat().st_size < 1 << 20:
            content = path.read_bytes()
            assert b"s3cret-key" not in content, path
            assert b"0t0ken" not in content, path


def test_an_ignored_file_must_not_reach_the_image(cli: Cli):
    """`.dockerignore`, or the one named after the Dockerfile, which counts alone."""
    cli.write("name: shop\nservices:\n  a:\n    build: .\n  b:\n    build: {context: ., dockerfile: B.Dockerfile}\n")
    cli.write("FROM busybox\nCOPY . /all\nCMD ls /all\n", "Dockerfile")
    cli.write("FROM busybox\nCOPY . /all\nCMD ls /all\n", "B.Dockerfile")
    cli.write("*\n!kept\n", ".dockerignore")
    cli.write("kept\n", "B.Dockerfile.dockerignore")
    for name in ("kept", "left"):
        cli.write(name, name)
    assert cli.run("run", "--rm", "a").stdout.split() == ["kept"]
    kept = cli.run("run", "--rm", "b").stdout.split()
    assert kept == ["B.Dockerfile", "B.Dockerfile.dockerignore", "Dockerfile", "compose.yaml", "left"]
    cli.run("down")


def test_a_working_folder_must_belong_to_the_user(cli: Cli):
    """USER before WORKDIR, as with BuildKit: whoever is to work there can write; a user who is yet to come is root."""
    cli.write("""
name: shop
services:
  app:
    build:
      context: .
      dockerfile_inline: |
        FROM busybox
        USER 7:8
        WORKDIR /w/u
        RUN touch mine
        USER nosuchuser
        WORKDIR /later
        USER root
        CMD stat -c %u:%g /w /w/u /later
""")
    assert cli.run("run", "--rm", "app").stdout.split() == ["7:8", "7:8", "0:0"]
    cli.run("down")


def test_stages_must_be_built_side_by_side(cli: Cli):
    """Two that do not need one another take no longer than one."""
    inline = """\
        FROM busybox AS one
        RUN --mount=type=cache,target=/c touch /c/one; until [ -e /c/two ]; do sleep 0.05; done
        FROM busybox AS two
        RUN --mount=type=cache,target=/c touch /c/two; until [ -e /c/one ]; do sleep 0.05; done
        FROM busybox
        COPY --from=one /bin/busybox /b
        COPY --from=two /bin/busybox /c
"""
    cli.write(f"name: shop\nservices:\n  app:\n    build:\n      context: .\n      dockerfile_inline: |\n{inline}")
    cli.run("build", timeout=30)


COMMON = """\
name: shop
services:
  web: {build: .}
  worker: {build: {context: ., target: tools}}
  again: {build: .}
"""


@pytest.mark.parametrize("flags", [(), ("--no-cache",)])
def test_what_services_have_in_common_must_be_done_once(cli: Cli, busybox: str, flags: tuple[str, ...]):
    """One Dockerfile, two targets, three services: `RUN` counts itself in a cache, and the images share its layer."""
    assert busybox
    cli.write(COMMON)
    cli.write(
        "FROM busybox AS tools\n"
        "RUN --mount=type=cache,target=/c,sharing=private echo >>/tmp/it; sleep 1; head -c 20 /dev/urandom >/made\n"
        "FROM tools\nRUN cat /made >/copy\n",
        "Dockerfile",
    )
    done = cli.run("build", *flags)
    lines = done.stdout.splitlines()
    steps = {line.split()[0] for line in lines if "/dev/urandom" in line}
    assert len(steps) == 3
    assert sum(line.split()[1] == "DONE" for line in lines if line and line.split()[0] in steps) == 1, done.stdout
    layers = [
        json.loads(cli.run("image", "inspect", f"shop-{name}").stdout)[0]["RootFS"]["Layers"]
        for name in ("web", "worker", "again")
    ]
    assert layers[0] == layers[2]
    assert layers[0][:2] == layers[1]


@pytest.mark.parametrize("moment", ["RUN echo", "started"], ids=["when its step begins", "while it runs"])
def test_ctrl_c_must_end_a_build_at_once(cli: Cli, moment: str):
    """The program that runs is killed, nothing is left, the exit code is 130."""
    cli.write(
        "name: shop\nservices:\n  app:\n    build:\n      context: .\n      dockerfile_inline: |\n"
        "        FROM busybox\n        RUN echo star''ted; sleep 300\n"
    )
    with cli.on_terminal("--progress", "plain", "build") as terminal:
        terminal.wait_for(moment)
        begun = time.monotonic()
        terminal.type("\x03")
        assert terminal.wait(20) == 130
        assert time.monotonic() - begun < 5


def test_ctrl_c_must_end_the_reading_of_a_large_context(cli: Cli, busybox: str):
    """A file of hours: the first Ctrl-C is enough."""
    assert busybox
    cli.write("name: shop\nservices: {app: {build: .}}\n")
    cli.write("FROM busybox\nCOPY huge /\n", "Dockerfile")
    with (cli.folder / "huge").open("wb") as huge:
        huge.truncate(1 << 40)
    with cli.on_terminal("--progress", "plain", "build") as terminal:
        terminal.wait_for("COPY huge")
        begun = time.monotonic()
        terminal.type("\x03")
        assert terminal.wait(20) == 130
        assert time.monotonic() - begun < 5


def test_a_missing_dockerfile_and_context_must_be_named(cli: Cli):
    """With the path that was looked at."""
    cli.write("name: shop\nservices:\n  app:\n    build: ./nope\n")
    assert f"the build context `{cli.folder}/nope` does not exist" in cli.run("build", code=1).stderr
    (cli.folder / "nope").mkdir()
    assert f"no such Dockerfile: `{cli.folder}/nope/Dockerfile`" in cli.run("build", code=1).stderr


def test_a_live_view_must_show_steps_and_their_output(cli: Cli):
    """On a terminal, as BuildKit draws it."""
    cli.write(
        "name: shop\nservices:\n  app:\n    build:\n      context: .\n      dockerfile_inline: |\n"
        "        FROM busybox\n        RUN echo working; sleep 1\n"
    )
    with cli.on_terminal("build") as terminal:
        assert terminal.wait(30) == 0
    assert "[+] Building" in terminal.shown
    assert "=> [app 2/2] RUN echo working; sleep 1" in terminal.shown
    assert "# working" in terminal.shown


def test_a_context_must_come_from_a_git_repository(cli: Cli, tmp_path: Path):
    """A branch or tag and a folder in it, also as an additional context; a link is no folder."""
    repository = Repository(tmp_path / "repository")
    dockerfile = "FROM busybox\nCOPY f /f\nCOPY --from=more g /g\nCMD cat /f /g\n"
    repository.commit({"app/Dockerfile": dockerfile, "app/f": "f1\n"})
    repository.commit({"more/g": "g1\n"}, {"out": "/etc"})
    repository.git("tag", "v1")
    repository.commit({"app/f": "f2\n"})
    text = (
        "name: shop\nservices:\n  app:\n    build:\n      context: {url}#v1:{folder}\n"
        "      additional_contexts: ['more={url}#v1:more']\n"
    )
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    cli.write(text.format(url=repository.url, folder="app"))
    assert cli.run("run", "--rm", "app", environment=environment).stdout == "f1\ng1\n"
    cli.run("down", environment=environment)
    cli.write(text.format(url=repository.url, folder="out"))
    assert "has no folder `out` at v1" in cli.run("build", code=1, environment=environment).stderr


def test_a_step_must_not_take_more_memory_than_allowed(stack: Cli):
    """`--memory`: it is killed, and the error says for want of what; with enough it is done."""
    stack.write(
        "FROM busybox\nRUN x=$(head -c 60000000 /dev/zero | tr '\\0' a) && echo ${#x} > /size\n", "web/Dockerfile"
    )
    failed = stack.run("build", "-m", "20m", "web", code=1)
    assert "did not complete successfully: exit code: 137, out of memory" in failed.stderr
    assert "--> web/Dockerfile:2:1" in failed.stderr
    stack.run("build", "-m", "500m", "web")
    assert stack.run("build", "-m", "20x", "web", code=1).stderr.startswith("error: --memory")


def test_an_image_for_several_platforms_must_be_refused_before_anything_is_done(stack: Cli):
    """With its place; this machine's own alone is built, also where the service says which of them it wants."""
    own = registry.ARCHITECTURE
    other = "arm64" if own == "amd64" else "amd64"
    several = f"[linux/{own}, linux/{other}]"
    stack.write(STACK.replace("build: ./web", f"build: {{context: ./web, platforms: {several}}}"))
    failed = stack.run("build", code=1)
    assert "services.web.build.platforms: an image for several platforms cannot be built here" in failed.stderr
    assert "compose.yaml:5:" in failed.stderr
    assert "#1" not in failed.stdout
    stack.write(STACK.replace("build: ./web", f"build: {{context: ./web, platforms: [linux/{own}]}}"))
    stack.run("build", "web")
    wanted = f"platform: linux/{own}\n    build: {{context: ./web, platforms: {several}}}"
    stack.write(STACK.replace("build: ./web", wanted))
    stack.run("build", "web")


def test_attestations_must_be_warned_of_where_they_are_wanted(stack: Cli):
    """`--provenance=false` wants none."""
    done = stack.run("build", "--provenance", "mode=max", "--sbom", "true", "web")
    assert "`--provenance` has no effect here" in done.stderr
    assert "`--sbom` has no effect here" in done.stderr
    assert "no effect" not in stack.run("build", "--provenance", "false", "--sbom=false", "web").stderr


def test_a_context_must_come_from_standard_input(cli: Cli, tmp_path: Path):
    """`-` where there is no folder of that name; a key beside the project's files is an agent for its steps."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(cli.folder / "id")], check=True, timeout=30
    )
    build = "{context: '-', ssh: [default=./id], network: none}"
    cli.write(f"name: shop\nservices:\n  app:\n    image: me/app\n    build: {build}\n    command: cat /found\n")
    dockerfile = "FROM busybox\nRUN --mount=type=ssh test -S $SSH_AUTH_SOCK && echo there >/found\n"
    assert "warnings found" in cli.run("build", "--check", stdin=dockerfile).stdout
    cli.run("build", stdin=dockerfile)
    assert cli.run("run", "--rm", "app").stdout == "there\n"
    assert "on standard input is empty" in cli.run("build", code=1).stderr
    (cli.folder / "-").mkdir()
    (cli.folder / "-" / "Dockerfile").write_text("FROM busybox\nRUN echo folder >/found\n")
    cli.run("build", "--ssh", "default=id", stdin=dockerfile)
    assert cli.run("run", "--rm", "app").stdout == "folder\n"
    cli.run("down")
