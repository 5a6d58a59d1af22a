"""Repositories that want more than they were asked for. Compare CVE-2025-62725, CVE-2022-39253, CVE-2017-1000117."""

from pathlib import Path

import pytest

from tests.support.git import Repository
from tests.unit.remote.test_git_sources import Run, cache, project, pycompose

__all__ = ["cache", "project", "pycompose"]

SECRET = "TOP=secret\n"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file of the machine that no remote project may see."""
    path = tmp_path / "outside" / "secret.env"
    path.parent.mkdir()
    path.write_text(SECRET)
    (path.parent / "compose.yaml").write_text("services: {stolen: {image: stolen}}\n")
    return path


@pytest.fixture
def hostile(tmp_path: Path) -> Repository:
    """The repository."""
    return Repository(tmp_path / "hostile.git")


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {image: i, env_file: OUT/secret.env}}",
        "services: {web: {image: i, env_file: ['a.env', 'UP/outside/secret.env']}}",
        "services: {web: {image: i, env_file: [{path: OUT/secret.env, required: false, format: raw}]}}",
        "services: {web: {image: i, env_file: '~/x.env'}}",
        "services: {web: {image: i, env_file: sub/../UP/outside/secret.env}}",
        "services: {web: {image: i, env_file: link.env}}",
        "services: {web: {image: i, env_file: folder/secret.env}}",
        "services: {web: {image: i, label_file: OUT/secret.env}}",
        "services: {web: {image: i, label_file: [UP/outside/secret.env]}}",
        "services: {web: {extends: {file: OUT/compose.yaml, service: stolen}}}",
        "services: {web: {extends: {file: UP/outside/compose.yaml, service: stolen}}}",
        "services: {web: {extends: {file: folder/compose.yaml, service: stolen}}}",
        "services: {web: {extends: {file: steals.yaml, service: web}}}",
        "services: {web: {extends: {file: extends.yaml, service: web}}}",
        "services: {web: {extends: {file: 'file://OUT', service: stolen}}}",
        "include: [OUT/compose.yaml]",
        "include: [UP/outside/compose.yaml]",
        "include: [folder/compose.yaml]",
        "include: ['file://OUT']",
        "include: [steals.yaml]",
        "include: [{path: a.yaml, env_file: OUT/secret.env}]",
        "include: [{path: a.yaml, env_file: link.env}]",
        "include: [{path: a.yaml, project_directory: OUT}]",
        "include: [{path: a.yaml, project_directory: folder}]",
        "include: [linked/compose.yaml]",
    ],
)
def test_a_fetched_file_must_not_lead_out_of_its_repository(
    pycompose: Run, hostile: Repository, outside: Path, project: Path, text: str, cache: Path
) -> None:
    """By no path, absolute or with `..`, by no link, by no file that it includes or extends; however it was fetched."""
    up = "../" * (len(cache.parts) + 1)
    above = f"{up}{str(outside.parents[1])[1:]}"

    def placed(content: str) -> str:
        return content.replace("OUT", str(outside.parent)).replace("UP", above) + "\n"

    steals = placed("services: {web: {image: i, env_file: OUT/secret.env}}")
    hostile.commit(
        {
            "compose.yaml": placed(text),
            "steals.yaml": steals,
            "extends.yaml": placed("services: {web: {extends: {file: OUT/compose.yaml, service: stolen}}}"),
            "a.yaml": "services: {a: {image: 'i:${TOP:-none}'}}\n",
            "a.env": "A=1\n",
            "linked/compose.yaml": "services: {l: {image: 'i:${TOP:-none}'}}\n",
        },
        links={"link.env": str(outside), "folder": str(outside.parent), "linked/.env": str(outside)},
    )
    asked = pycompose("-f", hostile.url, "config")
    (project / "compose.yaml").write_text(f"include: ['{hostile.url}']\n")
    included = pycompose("config")
    (project / "compose.yaml").write_text(f"services: {{w: {{extends: {{file: '{hostile.url}', service: web}}}}}}\n")
    extended = pycompose("config")
    for code, out, err in (asked, included, extended):
        assert (code != 0, out) == (True, "")
        assert "TOP" not in err
    for code, _, err in (asked, included, *([] if text.startswith("include") else [extended])):
        assert code == 1
        assert "a fetched" in err


def test_a_compose_file_that_is_a_link_must_not_be_read(pycompose: Run, hostile: Repository, outside: Path) -> None:
    """Neither the file itself nor the folder that it is in."""
    hostile.commit({"x": ""}, links={"compose.yaml": str(outside.parent / "compose.yaml"), "sub": str(outside.parent)})
    for suffix in ("", "#main:sub", "#main:sub/compose.yaml"):
        code, out, err = pycompose("-f", hostile.url + suffix, "config")
        assert (code, out) == (1, "")
        assert "a link that leaves the repository" in err


def test_a_relative_env_file_must_not_be_looked_for_in_the_current_folder(
    pycompose: Run, hostile: Repository, project: Path
) -> None:
    """`--no-path-resolution` leaves paths as they are; a fetched one still starts where it was fetched."""
    hostile.commit({"compose.yaml": "services: {web: {image: i, env_file: app.env}}\n", "app.env": "A=fetched\n"})
    (project / "app.env").write_text("A=mine\n")
    code, out, _ = pycompose("-f", hostile.url, "config", "--no-path-resolution")
    assert code == 0
    assert "A: fetched\n" in out


def test_links_inside_the_repository_must_work(pycompose: Run, hostile: Repository) -> None:
    """A link is no crime."""
    hostile.commit(
        {"real/compose.yaml": "services: {web: {image: 'i:1', env_file: ../env}}\n", "env.real": "A=1\n"},
        links={"link": "real", "env": "env.real", "compose.yaml": "real/compose.yaml"},
    )
    code, out, err = pycompose("-f", f"{hostile.url}#main:link", "config")
    assert (code, err) == (0, "")
    assert 'A: "1"\n' in out


def test_what_containers_are_given_must_be_as_with_docker_compose(
    pycompose: Run, hostile: Repository, cache: Path
) -> None:
    """Binds, secrets and build contexts may be anywhere: to start a project is to trust it."""
    commit = hostile.commit(
        {
            "compose.yaml": "services: {web: {build: ../x, volumes: ['/etc:/host', './d:/d'], secrets: [s]}}\n"
            "secrets: {s: {file: /etc/hostname}}\n"
        }
    )
    code, out, _ = pycompose("-f", hostile.url, "config")
    assert code == 0
    for path in ("source: /etc\n", f"source: {cache}/{commit}/d\n", f"context: {cache}/x\n", "file: /etc/hostname\n"):
        assert path in out


@pytest.mark.parametrize(
    "reference", ["ext::sh -c 'touch {}'", "ext::sh://-c%20touch%20{}.git", "https://h/x.git#--upload-pack=touch {}"]
)
def test_no_reference_must_run_a_command(pycompose: Run, tmp_path: Path, reference: str, project: Path) -> None:
    """Neither a protocol of git's that does, nor an option in a ref's place."""
    mark = tmp_path / "mark"
    for arguments in (("-f", reference.format(mark), "config"), ("config",)):
        (project / "compose.yaml").write_text(f'include: ["{reference.format(mark)}"]\n')
        assert pycompose(*arguments)[0] != 0
    assert not mark.exists()


def test_a_submodule_must_not_be_fetched(pycompose: Run, hostile: Repository, tmp_path: Path, cache: Path) -> None:
    """docker compose fetches none; its address could be anything."""
    inner = Repository(tmp_path / "inner.git")
    inner.commit({"compose.yaml": "services: {a: {image: i}}\n"})
    hostile.commit({"compose.yaml": "services: {a: {image: i}}\n"})
    hostile.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.url, "inner")
    commit = hostile.commit({})
    assert pycompose("-f", hostile.url, "config", "-q")[0] == 0
    assert list((cache / commit / "inner").iterdir()) == []


def test_escape_sequences_of_a_server_must_not_reach_the_terminal(
    pycompose: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says is shown as text."""
    program = tmp_path / "ssh"
    program.write_text("#!/bin/sh\nprintf 'fatal: \\033[2Jgone\\007\\n' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    code, _, err = pycompose("-f", "git@example.org:x.git", "config")
    assert code == 1
    assert "\033" not in err
    assert "[2Jgone" in err


def test_a_cache_that_others_can_write_to_must_not_be_used(pycompose: Run, hostile: Repository, cache: Path) -> None:
    """They could put their own files in the place of a commit."""
    hostile.commit({"compose.yaml": "services: {a: {image: i}}\n"})
    assert pycompose("-f", hostile.url, "config", "-q")[0] == 0
    cache.chmod(0o777)
    code, _, err = pycompose("-f", hostile.url, "config", "-q")
    assert code == 1
    assert f"others can write to the cache {cache}" in err
