"""`image ls`, `history`, `inspect`, `tag`, `rm`, `prune`, and `system df`: docker's columns, filters and codes."""

import json

import pytest

from tests.support.cli import Cli

pytestmark = pytest.mark.usefixtures("busybox")
SERVICE = "name: shop\nservices: {web: {image: busybox, command: 'true', volumes: ['kept:/kept']}}\nvolumes: {kept: {}}"


def _names(cli: Cli, *arguments: str) -> list[str]:
    template = "{{.Repository}}:{{.Tag}}"
    return cli.run("image", "ls", "--format", template, *arguments).stdout.split()


def _derived(cli: Cli, name: str, *changes: str) -> str:
    """Commit an image of its own on top of busybox; return its id."""
    cli.write(SERVICE)
    cli.run("create")
    arguments = [word for change in changes for word in ("-c", change)]
    done = cli.run("commit", "-m", "derived", *arguments, "web", *([name] if name else []))
    return "sha256:" + done.stderr.rpartition("sha256:")[2].strip()


def test_a_list_must_be_dockers_and_heed_filters(cli: Cli) -> None:
    """Newest first; by name with wildcards, label, age, other images, dangling; as JSON and by template."""
    cli.run("image", "tag", "busybox", "example.org/team/box:1")
    derived = _derived(cli, "shop-web:2", "LABEL tier=front")
    dangling = _derived(cli, "")
    heading, *rows = cli.run("image", "ls").stdout.splitlines()
    assert heading.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert [row.split()[0] for row in rows] == ["<none>", "shop-web", "busybox", "example.org/team/box", "host"]
    assert _names(cli, "busybox") == ["busybox:latest"]
    assert _names(cli, "-f", "reference=example.org/*/box:*") == ["example.org/team/box:1"]
    assert _names(cli, "-f", "reference=*box") == ["busybox:latest"]
    assert _names(cli, "-f", "label=tier=front") == _names(cli, "-f", "label=tier") == ["shop-web:2"]
    assert _names(cli, "-f", "label=tier=back") == _names(cli, "-f", "until=24h", "shop-web") == []
    assert _names(cli, "-f", "since=busybox", "shop-web") == ["shop-web:2"]
    assert "shop-web:2" not in _names(cli, "-f", "before=shop-web:2")
    assert cli.run("image", "ls", "-q", "--no-trunc", "-f", "dangling=true").stdout == f"{dangling}\n"
    (row,) = cli.run("image", "ls", "--format", "json", "shop-web").stdout.splitlines()
    assert json.loads(row)["ID"] == derived[7:19]
    assert set(json.loads(row)) == {
        *("Containers", "CreatedAt", "CreatedSince", "Digest", "ID", "Repository", "SharedSize", "Size", "Tag"),
        *("UniqueSize", "VirtualSize"),
    }
    assert "invalid filter `colour`" in cli.run("image", "ls", "-f", "colour=red", code=1).stderr
    cli.run("down", "-v")


def test_an_image_must_tell_what_it_is_and_how_it_came_to_be(cli: Cli) -> None:
    """`inspect` with docker's keys and templates, `history` with a line for each step, errors after what was found."""
    derived = _derived(cli, "shop-web:2", "ENV A=b", 'ENTRYPOINT ["sh"]')
    (told,) = json.loads(cli.run("image", "inspect", "shop-web:2").stdout)
    assert (told["Id"], told["RepoTags"], told["Comment"]) == (derived, ["shop-web:2"], "derived")
    assert (told["Config"]["Env"], told["Config"]["Entrypoint"], told["Config"]["Tty"]) == (["A=b"], ["sh"], False)
    assert told["RootFS"]["Layers"]
    template = "{{.Id}} {{json .Config.Env}} {{index .RepoTags 0}} {{len .RootFS.Layers}} {{.RootFS.Type}}"
    shown = cli.run("image", "inspect", "-f", template, derived[7:19]).stdout
    assert shown == f'{derived} ["A=b"] shop-web:2 1 layers\n'
    assert "no field `Nosuch`" in cli.run("image", "inspect", "-f", "{{.Config.Nosuch}}", "shop-web:2", code=1).stderr
    done = cli.run("image", "inspect", "nosuch", "busybox", code=1)
    assert [each["RepoTags"] for each in json.loads(done.stdout)] == [["busybox:latest"]]
    assert "no such image: `nosuch`" in done.stderr
    heading, top, below = cli.run("image", "history", "shop-web:2").stdout.splitlines()
    assert heading.split() == ["IMAGE", "CREATED", "CREATED", "BY", "SIZE", "COMMENT"]
    assert top.startswith(derived[7:19])
    assert top.split()[-2:] == ["0B", "derived"]
    assert below.startswith("<missing>")
    cli.run("down", "-v")


def test_removing_must_go_on_after_what_cannot_be_removed(cli: Cli) -> None:
    """One that is not there, and one that is used, do not keep the others; the exit code is 1."""
    cli.run("image", "tag", "busybox", "other:2")
    cli.write(SERVICE)
    cli.run("create")
    done = cli.run("image", "rm", "nosuch", "other:2", "busybox", code=1)
    assert done.stdout == "Untagged: other:2\n"
    assert "no such image: `nosuch`" in done.stderr
    assert "conflict: unable to remove repository reference `busybox`" in done.stderr
    assert "no such image" in cli.run("image", "tag", "nosuch", "x:1", code=1).stderr
    cli.run("down", "-v")


def test_pruning_must_take_what_nobody_uses_and_nothing_else(cli: Cli) -> None:
    """Without a name, or all with `-a`; older than asked; asked first without `-f`; the space is told."""
    dangling = _derived(cli, "", "ENV A=1")
    _derived(cli, "spare:1", "ENV A=2")
    assert "WARNING! This will remove all dangling images" in cli.run("image", "prune", stdin="n\n").stdout
    assert cli.run("image", "prune", "-f", "--filter", "until=24h").stdout == "Total reclaimed space: 0B\n"
    shown = cli.run("image", "prune", "-f").stdout
    assert shown.startswith(f"Deleted Images:\ndeleted: {dangling}\n")
    assert shown.endswith("\n\nTotal reclaimed space: 0B\n")
    assert _names(cli, "spare") == ["spare:1"]
    assert "untagged: spare:1" in cli.run("image", "prune", "-a", "-f").stdout
    assert _names(cli) == ["busybox:latest", "host:latest"]
    cli.run("down", "-v")
    assert "deleted: sha256:" in cli.run("image", "prune", "-a", "-f").stdout
    assert _names(cli) == ["host:latest"]
    assert "invalid filter `reference`" in cli.run("image", "prune", "-f", "--filter", "reference=x", code=1).stderr


def test_what_takes_space_must_be_told(cli: Cli) -> None:
    """Layers once, what containers wrote, what volumes hold; in docker's table, in JSON, and one by one."""
    cli.write(SERVICE.replace("'true'", "sh -c 'head -c 5000 /dev/zero > /made; head -c 700 /dev/zero > /kept/x'"))
    cli.run("up")
    cli.run("image", "tag", "busybox", "other:2")
    rows = [json.loads(line) for line in cli.run("system", "df", "--format", "json").stdout.splitlines()]
    by_type = {row["Type"]: row for row in rows}
    assert list(by_type) == ["Images", "Containers", "Local Volumes", "Build Cache"]
    assert (by_type["Images"]["TotalCount"], by_type["Images"]["Active"]) == ("1", "1")
    assert by_type["Images"]["Reclaimable"] == "0B (0%)"
    assert (by_type["Containers"]["Size"], by_type["Containers"]["Reclaimable"]) == ("5kB", "5kB (100%)")
    assert (by_type["Local Volumes"]["Size"], by_type["Local Volumes"]["Active"]) == ("700B", "1")
    heading = cli.run("system", "df").stdout.splitlines()[0]
    assert heading.split() == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    told = cli.run("system", "df", "-v").stdout
    assert [line for line in told.splitlines() if line.endswith("usage:")] == [
        *("Images space usage:", "Containers space usage:", "Local Volumes space usage:"),
    ]
    assert "shop-web-1" in told
    assert "shop_kept" in told
    assert "unknown command `system nosuch`" in cli.run("system", "nosuch", code=16).stderr
    cli.run("down", "-v")
