"""Projects whose files are in git repositories: real ones, served by git itself."""

import base64
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.cli.main import run
from runtime.git import client as git_module
from tests.support.cli import Cli, wait_until
from tests.support.git import IDENTITY, Repository, daemon, http_server, path_without_git, silent_server

WEB = "services: {web: {image: 'web:${TAG:-1}', volumes: ['./data:/data']}}\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder that commands run in."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where what is fetched is kept."""
    return tmp_path / "cache" / "pycompose" / "git"


@pytest.fixture
def pycompose(project: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; returns exit code, output, errors."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
    monkeypatch.setenv("HOME", str(project))
    monkeypatch.chdir(project)

    def run_command(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_command


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """A repository with a project in its first folder, and another one in `sub`."""
    repository = Repository(tmp_path / "served" / "shop.git")
    repository.commit({"compose.yaml": WEB, "sub/docker-compose.yml": WEB.replace("web:", "sub:"), "sub/o.yaml": WEB})
    return repository


def test_a_project_must_load_from_a_repository(pycompose: Run, shop: Repository, cache: Path, project: Path) -> None:
    """Relative paths start in the fetched folder; `.env` and the name are of the folder one is in."""
    (project / ".env").write_text("TAG=7\n")
    code, out, err = pycompose("-f", shop.url, "config")
    assert (code, err) == (0, "")
    commit = shop.git("rev-parse", "HEAD")
    assert "name: here\n" in out
    assert "image: web:7\n" in out
    assert f"source: {cache}/{commit}/data\n" in out
    assert sorted(path.name for path in (cache / commit).iterdir()) == ["compose.yaml", "sub"]
    assert [path.name for path in cache.iterdir()] == [commit]


@pytest.mark.parametrize(
    ("suffix", "image"),
    [("#main:sub", "sub:1"), ("#:sub/o.yaml", "web:1"), ("?branch=main&subdir=sub", "sub:1"), ("?tag=v1", "web:1")],
)
def test_a_folder_or_file_of_the_repository_must_be_chosen(
    pycompose: Run, shop: Repository, suffix: str, image: str
) -> None:
    """After `#ref:`, or by a query."""
    shop.git("tag", "-a", "-m", "x", "v1")
    assert pycompose("-f", shop.url + suffix, "config", "--images") == (0, f"{image}\n", "")


def test_a_ref_must_mean_what_git_means_by_it(pycompose: Run, shop: Repository) -> None:
    """A tag before a branch; never a longer name that only ends in it. Each move of a branch is seen."""
    shop.git("branch", "a/release")
    shop.git("tag", "-a", "-m", "annotated", "old")
    shop.commit({"compose.yaml": WEB.replace(":-1", ":-2")})
    shop.git("branch", "release")
    assert pycompose("-f", f"{shop.url}#release", "config", "--images")[1] == "web:2\n"
    assert pycompose("-f", f"{shop.url}#old", "config", "--images")[1] == "web:1\n"
    shop.commit({"compose.yaml": WEB.replace(":-1", ":-3")})
    assert pycompose("-f", f"{shop.url}#main", "config", "--images")[1] == "web:3\n"
    assert pycompose("-f", shop.url, "config", "--images")[1] == "web:3\n"


def test_a_commit_that_was_fetched_must_need_no_network_and_no_git(
    pycompose: Run, shop: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file pinned by its commit works offline."""
    commit = shop.git("rev-parse", "HEAD")
    assert pycompose("-f", f"{shop.url}#{commit}", "config", "-q")[0] == 0
    shop.folder.rename(tmp_path / "gone")
    monkeypatch.setenv("PATH", path_without_git(tmp_path / "empty"))
    assert pycompose("-f", f"{shop.url}#{commit}", "config", "--images") == (0, "web:1\n", "")
    code, _, err = pycompose("-f", f"{shop.url}#main", "config")
    assert code == 1
    assert "needs the program `git`, which is not installed" in err
    assert "apt-get install git" in err


def test_include_and_extends_must_take_repositories(
    pycompose: Run, shop: Repository, project: Path, cache: Path
) -> None:
    """With their own folder as base, and other files of theirs."""
    shop.commit(
        {
            "compose.yaml": "include: [more.yaml]\nservices: {web: {image: 'web:${TAG:-1}', env_file: app.env}}\n",
            "more.yaml": "services: {db: {extends: {file: base.yaml, service: any}}}\n",
            "base.yaml": "services: {any: {image: 'db:1', volumes: ['./d:/d']}}\n",
            "app.env": "A=fetched\n",
            ".env": "TAG=5\n",
        }
    )
    (project / "compose.yaml").write_text(
        f"include: ['{shop.url}']\nservices: {{own: {{extends: {{file: '{shop.url}#main', service: web}}}}}}\n"
    )
    code, out, err = pycompose("config")
    assert (code, err) == (0, "")
    commit = shop.git("rev-parse", "HEAD")
    assert out.count("A: fetched\n") == 2
    assert "image: web:5\n" in out
    assert f"source: {cache}/{commit}/d\n" in out


def test_a_local_project_directory_must_be_the_base_of_an_included_repository(
    pycompose: Run, shop: Repository, project: Path
) -> None:
    """Shared files, with one's own env file: the includer says where paths start, and that opens that folder."""
    shop.commit({"compose.yaml": "services: {web: {image: 'w:1', env_file: own/app.env}}\n"})
    (project / "own").mkdir()
    (project / "own" / "app.env").write_text("A=mine\n")
    (project / "compose.yaml").write_text(f"include: [{{path: '{shop.url}', project_directory: .}}]\n")
    code, out, err = pycompose("config")
    assert (code, err) == (0, "")
    assert "A: mine\n" in out


def test_compose_file_must_take_repositories(
    pycompose: Run, shop: Repository, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone as it is; beside others with another separator, and a local file on top."""
    monkeypatch.setenv("COMPOSE_FILE", f"{shop.url}#main:sub")
    assert pycompose("config", "--images")[1] == "sub:1\n"
    (project / "over.yaml").write_text("services: {web: {image: mine}}\n")
    monkeypatch.setenv("COMPOSE_FILE", f"{shop.url}|over.yaml")
    monkeypatch.setenv("COMPOSE_PATH_SEPARATOR", "|")
    assert pycompose("config", "--images")[1] == "mine\n"


def test_repositories_must_be_fetched_over_http_and_gits_own_protocol(
    pycompose: Run, shop: Repository, tmp_path: Path, cache: Path
) -> None:
    """By git's own servers; the same commit lands in the same folder."""
    with http_server(tmp_path / "served") as address:
        assert pycompose("-f", f"{address}/shop.git#main", "config", "--images")[1] == "web:1\n"
        for path in cache.iterdir():
            subprocess.run(["rm", "-r", path], check=True)
        assert pycompose("-f", f"{address}/shop.git#nope", "config")[2].startswith(
            f"error: {address}/shop.git has no branch or tag `nope`"
        )
    with daemon(tmp_path / "served") as address:
        assert pycompose("-f", f"{address}/shop.git", "config", "--images")[1] == "web:1\n"


def test_a_password_must_reach_the_server_and_no_message_and_no_prompt_must_appear(
    pycompose: Run, shop: Repository, tmp_path: Path
) -> None:
    """Credentials in the URL work; without them git does not ask but fails; errors hide them."""
    secret = base64.b64encode(b"u:secret").decode()
    with http_server(tmp_path / "served", password=f"Basic {secret}") as address:
        host = address.removeprefix("http://")
        assert pycompose("-f", f"http://u:secret@{host}/shop.git", "config", "--images")[1] == "web:1\n"
        code, _, err = pycompose("-f", f"{address}/shop.git", "config")
        assert code == 1
        assert "terminal prompts disabled" in err
        code, _, err = pycompose("-f", f"http://u:secret@{host}/none.git", "config")
        assert code == 1
        assert "secret" not in err


@pytest.mark.parametrize("reference", ["tester@example.org:{}", "ssh://tester@example.org{}"])
def test_repositories_must_be_fetched_over_ssh(
    pycompose: Run, shop: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    """By the user's own ssh command, `user@host:path` too."""
    program = tmp_path / "ssh"
    program.write_text('#!/bin/sh\necho "$@" >>"$0.log"\nfor last; do :; done\nexec sh -c "$last"\n')
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    assert pycompose("-f", reference.format(shop.folder), "config", "--images") == (0, "web:1\n", "")
    assert "tester@example.org" in (tmp_path / "ssh.log").read_text()


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        ("#nope", "has no branch or tag `nope`"),
        ("#0123456789abcdef", "a commit is named by all of its 40 digits"),
        ("#0123456789abcdef0123456789abcdef01234567", "cannot fetch 0123456789abcdef0123456789abcdef01234567 from"),
        ("#main:nowhere", "no Compose file in `nowhere`"),
        ("?checksum=0123456", "and should be 0123456"),
    ],
)
def test_what_is_not_in_the_repository_must_be_said(
    pycompose: Run, shop: Repository, cache: Path, suffix: str, message: str
) -> None:
    """And nothing half fetched is left."""
    code, out, err = pycompose("-f", shop.url + suffix, "config")
    assert (code, out) == (1, "")
    assert message in err
    assert not list(cache.glob("*.part"))


def test_an_error_must_show_where_the_reference_is_written(pycompose: Run, shop: Repository, project: Path) -> None:
    """File, line and column of the `include` or `extends`."""
    (project / "compose.yaml").write_text(f"include:\n  - more.yaml\n  - {shop.url}#nope\n")
    (project / "more.yaml").write_text("services: {a: {image: i}}\n")
    assert "compose.yaml:3:5" in pycompose("config")[2]
    text = f"services:\n  web:\n    extends:\n      file: {shop.url}#nope\n      service: web\n"
    (project / "compose.yaml").write_text(text)
    assert "compose.yaml:4:13" in pycompose("config")[2]
    (project / ".env").write_text(f"A=1\nCOMPOSE_FILE={shop.url}?branch=nope\n")
    assert ".env:2:14" in pycompose("config")[2]
    (project / ".env").unlink()
    (project / "compose.yaml").write_text("include:\n  - oci://127.0.0.1:1/me/shop:1\n")
    code, _, err = pycompose("config")
    assert code == 1
    assert "compose.yaml:2:5" in err
    assert "oci://127.0.0.1:1/me/shop:1: cannot reach `127.0.0.1:1`" in err


def test_git_sources_must_be_switched_off_by_docker_composes_variable(
    pycompose: Run, shop: Repository, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """COMPOSE_EXPERIMENTAL_GIT_REMOTE; what is no boolean is an error."""
    monkeypatch.setenv("COMPOSE_EXPERIMENTAL_GIT_REMOTE", "false")
    code, _, err = pycompose("-f", shop.url, "config")
    assert code == 1
    assert "git sources are switched off by COMPOSE_EXPERIMENTAL_GIT_REMOTE" in err
    monkeypatch.setenv("COMPOSE_EXPERIMENTAL_GIT_REMOTE", "maybe")
    assert "is a boolean, not `maybe`" in pycompose("-f", shop.url, "config")[2]
    assert not cache.exists()


def test_a_server_that_says_nothing_must_be_given_up(pycompose: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a time, with an error and no process left."""
    monkeypatch.setattr(git_module, "RESOLVE_S", 0.2)
    with silent_server() as address:
        code, _, err = pycompose("-f", f"{address}/x.git", "config")
    assert code == 1
    assert "no answer within 0 s" in err


@pytest.mark.parametrize(("flags", "told"), [((), True), (("-q",), False)])
def test_a_fetch_that_takes_its_time_must_be_told(pycompose: Run, monkeypatch, flags, told) -> None:
    """Whoever waits knows what for, unless `-q` asks for silence."""
    monkeypatch.setattr(git_module, "PATIENCE_S", 0.1)
    monkeypatch.setattr(git_module, "RESOLVE_S", 0.3)
    with silent_server() as address:
        _, _, err = pycompose("-f", f"{address}/x.git", "config", *flags)
    assert (f"fetching {address}/x.git …\n" in err) == told


def test_ctrl_c_must_end_a_fetch_and_what_git_started(project: Path, tmp_path: Path) -> None:
    """At once, with 130, and git's own child goes too."""
    program = tmp_path / "ssh"
    program.write_text(
        f"#!/bin/sh\necho $$ >{tmp_path}/pid.new && mv {tmp_path}/pid.new {tmp_path}/pid\nexec sleep 100\n"
    )
    program.chmod(0o755)
    environment = {"GIT_SSH_COMMAND": str(program), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    process = Cli(project).start("-f", "git@example.org:x.git", "config", environment=environment)
    try:
        wait_until((tmp_path / "pid").exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, output) == (130, "canceled\n")
    wait_until(lambda: not _runs(int((tmp_path / "pid").read_text())))


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie: the orphans of this session are its own."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_two_at_once_must_fetch_a_commit_once(project: Path, shop: Repository, cache: Path, tmp_path: Path) -> None:
    """The second waits for the first; one killed in the middle leaves nothing in the way."""
    commit = shop.git("rev-parse", "HEAD")
    (cache / f"{commit}.part" / "tree").mkdir(parents=True)
    (cache / f"{commit}.part" / "tree" / "half").write_text("of a killed one")
    environment = {**IDENTITY, "XDG_CACHE_HOME": str(cache.parents[1]), "GIT_TRACE": str(tmp_path / "trace")}
    arguments = ("-f", f"{shop.url}#{commit}", "config", "--images")
    processes = [Cli(project).start(*arguments, environment=environment) for _ in range(3)]
    outputs = [process.communicate(timeout=30)[0] for process in processes]
    assert outputs == ["web:1\n"] * 3
    trace = (tmp_path / "trace").read_text()
    assert trace.count("built-in: git checkout") == 1
    assert [path.name for path in cache.iterdir()] == [commit]
    assert sorted(path.name for path in (cache / commit).iterdir()) == ["compose.yaml", "sub"]


def test_a_fetch_must_run_no_hook_and_heed_no_repository_around(
    pycompose: Run, shop: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    """Neither a template's hook, nor the variables that git leaves to a hook that calls pycompose."""
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "post-checkout").chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(hooks.parent))
    monkeypatch.setenv("GIT_DIR", str(project / "nowhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(project))
    assert pycompose("-f", shop.url, "config", "--images")[1] == "web:1\n"
    assert not (tmp_path / "ran").exists()
    assert not list(project.iterdir())
