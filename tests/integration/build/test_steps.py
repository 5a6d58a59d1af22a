"""Steps on real kernel objects: what a program finds, what of its work is a layer, what the cache finds again."""

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from runtime.build import programs
from runtime.build.plan import BindMount, CacheMount, ContextSource, Device, InlineFile, SecretMount, TmpfsMount
from runtime.build.roots import Surroundings
from runtime.errors import NotFound, PermissionDenied, Unsupported
from tests.integration.build.stages import Builds, copy, run, workdir


def test_a_program_must_be_confined_as_in_a_container(builds: Builds):
    """Docker's capabilities and filter, its own namespaces, no file of the host's."""
    probe = "grep -E 'CapBnd|CapInh|CapAmb|Seccomp:' /proc/self/status; hostname; echo $$; ls /proc/self/fd"
    built = builds.build(
        run(f"{probe}; ! touch /proc/sys/kernel/domainname 2>/dev/null; cat /proc/1/cmdline | head -c 7")
    )
    lines = built.output.split("\n")
    assert lines[:4] == [
        "CapInh:\t0000000000000000",
        "CapBnd:\t00000000a80425fb",
        "CapAmb:\t0000000000000000",
        "Seccomp:\t2",
    ]
    assert lines[4:6] == ["buildkitsandbox", "1"]


def test_a_layer_must_be_what_the_program_changed_and_nothing_else(builds: Builds):
    """No mount point, no file of the runtime's."""
    assert builds.build(run("true")).names() == []
    assert builds.build(run("echo x > /etc/x; rm /etc/group")).names() == ["etc", "etc/.wh.group", "etc/x"]


def test_a_step_must_go_on_after_two_that_changed_the_same(builds: Builds):
    """Two that change nothing, and one that makes again what was removed: their layers are one and the same folder."""
    (builds.context / "file").write_text("x")
    make, remove = run("echo x > /x; touch -d @1 /x /"), run("rm /x; touch -d @1 /")
    twice = [run("true"), run("true "), make, remove, make]
    built = builds.build(*twice, run("cat /x"), copy("file", "/"), run("cat /file"))
    assert len(set(built.layers)) < len(built.layers) - 2
    assert built.output == "x\nx"


def test_mount_points_behind_links_must_be_found_and_leave_nothing(builds: Builds):
    """An image whose resolv.conf leads to systemd's, which is not there; a cache below a link."""
    (builds.context / "links/etc").mkdir(parents=True)
    (builds.context / "links/etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    (builds.context / "links/data").symlink_to("/var/lib/data")
    script = "grep -c nameserver /etc/resolv.conf; echo x > /data/cache/x; ls -d /var/lib/data/cache"
    built = builds.build(copy("links", "/"), run(script, mounts=[CacheMount("/data/cache", "c")]))
    assert built.output == "1\n/var/lib/data/cache\n"
    assert built.names() == []


def test_a_program_must_find_user_folder_and_variables(builds: Builds):
    """USER, WORKDIR, ENV; HOME from the image's passwd; a PATH even without one."""
    step = run("id -u; pwd; echo $A $HOME; which ls", environment={"A": "b c"}, working_dir="/tmp", user="nobody")
    assert builds.build(step).output == "65534\n/tmp\nb c /\n/bin/ls\n"


def test_output_and_exit_code_must_come_through(builds: Builds):
    """A step that fails makes no layer, and is not remembered."""
    for _ in range(2):
        built = builds.build(run("echo out; echo err >&2; exit 7"), run("echo never"))
        assert (built.heard, built.last.exit_code, built.last.layer) == (
            {"stdout": b"out\n", "stderr": b"err\n"},
            7,
            None,
        )
    assert builds.build(run("sh -c 'kill -9 $$'; exit $?")).last.exit_code == 137
    missing = builds.build(run("/no/such", "program")).last
    assert (missing.exit_code, missing.failure) == (127, 'exec: "/no/such": stat /no/such: no such file or directory')


def test_a_step_must_be_done_once_on_the_same_layers(builds: Builds):
    """Another build finds it; another variable, user, folder or layer below makes it another step."""
    step = run("echo x > /x")
    assert builds.build(step).cached() == [False]
    assert builds.build(step).cached() == [True]
    assert builds.build(step, use_cache=False).cached() == [False]
    assert builds.build(run("echo x > /x", environment={"A": "1"})).cached() == [False]
    assert builds.build(run("echo x > /x", user="nobody")).cached() == [False]
    assert builds.build(run("true"), step).cached() == [False, False]
    assert builds.build(step, around=Surroundings(network="none")).cached() == [False]


def test_copies_must_be_found_by_content_not_by_time(builds: Builds):
    """A fresh clone has other times; one byte is another step, with all that follow."""
    (builds.context / "a").write_text("one")
    steps = copy("a", "/a"), run("cat /a > /b")
    assert builds.build(*steps).cached() == [False, False]
    os.utime(builds.context / "a", ns=(0, 0))
    assert builds.build(*steps).cached() == [True, True]
    (builds.context / "a").write_text("two")
    built = builds.build(*steps)
    assert built.cached() == [False, False]
    assert built.file("b").read_text() == "two"
    (builds.context / "unrelated").write_text("x")
    assert builds.build(*steps).cached() == [True, True]


def test_a_file_changed_under_the_same_times_must_be_noticed(builds: Builds):
    """The digests that are remembered hang on the inode's change time too, which nobody can set."""
    file = builds.context / "a"
    file.write_text("one")
    os.utime(file, ns=(10**18, 10**18))
    builds.build(copy("a", "/a"))
    file.write_text("two")
    os.utime(file, ns=(10**18, 10**18))
    built = builds.build(copy("a", "/a"))
    assert (built.cached(), built.file("a").read_text()) == ([False], "two")


def test_a_layer_that_is_gone_must_be_made_again(builds: Builds):
    """Whoever cleared the store costs time, nothing else."""
    built = builds.build(run("echo x > /x"))
    shutil.rmtree(built.file("x").parents[1])
    assert builds.build(run("echo x > /x")).cached() == [False]


def test_a_collection_must_leave_what_the_cache_knows(builds: Builds, busybox_tar: Path):
    """An image is removed or imported meanwhile: the next build is as fast."""
    builds.build(run("echo x > /x"))
    builds.images.import_tar(busybox_tar, "other")
    builds.images.remove("other")
    assert builds.build(run("echo x > /x")).cached() == [True]


def test_a_stage_s_files_must_be_copied_as_they_are(builds: Builds):
    """With owner, mode, and links followed inside that stage."""
    made = builds.build(run("mkdir -p /opt/v1; echo x > /opt/v1/f; chown 5:6 /opt/v1/f; ln -s /opt/v1 /opt/current"))
    stage = builds.keep(made)
    step = copy("/opt/current/f", "/opt/*/f", "/app/", source=stage)
    built = builds.build(step)
    status = built.file("app/f").stat()
    assert (status.st_uid, status.st_gid, built.file("app/f").read_text()) == (5, 6, "x\n")
    assert builds.build(step).cached() == [True]
    with pytest.raises(NotFound, match='"/etc/shadow": not found'):
        builds.build(copy("../../../etc/shadow", "/", source=stage))


def test_a_linked_copy_must_be_the_same_layer_on_any_stage(builds: Builds):
    """`--link` survives a change of the base."""
    (builds.context / "a").write_text("one")
    step = copy("a", "/etc/a", link=True)
    first = builds.build(step)
    second = builds.build(run("rm -rf /root"), step)
    assert second.cached() == [False, True]
    assert second.layers[-1] == first.layers[-1]


def test_here_documents_must_become_files_and_scripts(builds: Builds):
    """COPY <<FILE, and RUN with an interpreter line."""
    file = InlineFile("config.ini", "a=1\n")
    built = builds.build(copy("/etc/app/", files=(file,)))
    assert built.names() == ["etc", "etc/app", "etc/app/config.ini"]
    script = InlineFile("EOF", "#!/bin/sh\necho from $0\n")
    ran = builds.build(run("/dev/pipes/EOF", "", files=(script,)))
    assert (ran.output, ran.names()) == ("from /dev/pipes/EOF\n", [])


def test_workdir_must_make_what_is_missing(builds: Builds):
    """Through links too; where all is there, nothing changes."""
    built = builds.build(run("ln -s /var/data /srv"), workdir("/srv/app"))
    assert built.names() == ["var", "var/data", "var/data/app"]
    assert stat.S_IMODE(built.file("var/data/app").stat().st_mode) == 0o755
    assert builds.build(workdir("/etc")).names() == []


def test_bound_files_must_be_there_for_the_step_only(builds: Builds):
    """Of the context without what is ignored, of a stage; what is written to them is thrown away."""
    for name in ("src/a", "src/b.log"):
        (builds.context / name).parent.mkdir(exist_ok=True)
        (builds.context / name).write_text(name)
    builds.ignore = ("**/*.log",)
    stage = builds.keep(builds.build(run("echo s > /s; ln -s s /l")))
    mounts = [
        BindMount("/src", ContextSource(), "src"),
        BindMount("/one", ContextSource(), "src/a", read_only=False),
        BindMount("/stage", stage),
        BindMount("/file", stage, "/l"),
        BindMount("/rw", stage, read_only=False),
    ]
    script = "ls /src; cat /one /stage/s /file; ! echo x > /src/new 2>/dev/null; echo x > /one; echo > /rw/n; ls /rw/n"
    built = builds.build(run(script, mounts=mounts))
    assert built.output == "a\nsrc/as\ns\n/rw/n\n"
    assert built.names() == []
    assert (builds.context / "src/a").read_text() == "src/a"
    (builds.context / "src/c.log").write_text("ignored")
    assert builds.build(run(script, mounts=mounts)).cached() == [True]
    (builds.context / "src/a").write_text("other")
    assert builds.build(run(script, mounts=mounts)).cached() == [False]


def test_a_cache_must_outlive_the_build_and_be_no_part_of_it(builds: Builds):
    """Whatever its id is; a new one begins with what it is told to."""
    cache = CacheMount("/root/.cache", "../../etc", mode=0o750, uid=7)
    first = builds.build(run("echo 1 >> /root/.cache/n; stat -c '%a %u' /root/.cache", mounts=[cache]))
    second = builds.build(run("echo 2 >> /root/.cache/n; cat /root/.cache/n", mounts=[cache]))
    assert (first.output, first.names()) == ("750 7\n", [])
    assert second.output == "1\n2\n"
    stage = builds.keep(builds.build(run("echo s > /s")))
    seeded = CacheMount("/c", "seeded", source=stage)
    assert builds.build(run("cat /c/s", mounts=[seeded])).output == "s\n"
    assert not (builds.paths.state / "etc").exists()


def test_private_caches_must_be_apart_and_locked_ones_one_after_the_other(builds: Builds):
    """Two steps at the same time."""

    def both(sharing: str, script: str) -> list[str]:
        cache = CacheMount("/c", f"id-{sharing}", sharing=sharing)
        heard: list[str] = []

        def one(number: int) -> None:
            step = run(script, mounts=[cache], environment={"N": str(number)})
            heard.append(builds.build(step).output.strip())

        threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return heard

    apart = "mkdir /c/busy && echo alone; sleep 0.3; rmdir /c/busy"
    assert both("private", apart) == ["alone", "alone"]
    assert both("locked", apart) == ["alone", "alone"]
    meeting = "touch /c/$N; until test -e /c/0 && test -e /c/1; do sleep 0.02; done; echo together"
    assert both("shared", meeting) == ["together", "together"]


def test_a_secret_must_be_seen_by_its_step_and_nobody_else(builds: Builds):
    """Not in a layer, not in the cache's key, nowhere in the state directory."""
    around = Surroundings(secrets={"token": b"s3cr3t-value"})
    mounts = [SecretMount("token", "/run/secrets/token", "TOKEN", mode=0o440, uid=5, gid=6), SecretMount("other", "/o")]
    step = run(
        "cat /run/secrets/token; echo \" $TOKEN\"; stat -c '%a %u %g' /run/secrets/token; ls /o 2>&1 || true",
        mounts=mounts,
    )
    built = builds.build(step, around=around)
    assert built.output == "s3cr3t-value s3cr3t-value\n440 5 6\nls: /o: No such file or directory\n"
    assert built.names() == []
    assert builds.build(step, around=Surroundings(secrets={"token": b"another"})).cached() == [True]
    for path in builds.paths.state.rglob("*"):
        assert not path.is_file() or b"s3cr3t-value" not in path.read_bytes()
    with pytest.raises(NotFound, match="the build has no secret `token`"):
        builds.build(run("true", mounts=[SecretMount("token", "/t", required=True)]))


def test_a_device_that_the_machine_has_not_must_be_missed_only_where_it_is_required(
    builds: Builds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A step that can do without does, as with BuildKit; where devices are described none is passed over in silence."""
    monkeypatch.setattr(programs, "_CDI_FOLDERS", (tmp_path,))
    assert builds.build(run("true", devices=(Device("vendor.com/gpu=all"),), network="none")).last.exit_code == 0
    with pytest.raises(Unsupported, match="`RUN --device=gpu`: the machine has no device of that name") as caught:
        builds.build(run("true", devices=(Device("gpu", required=True),)))
    assert caught.value.hint == "without `required` the step does without"
    (tmp_path / "vendor.yaml").touch()
    with pytest.raises(Unsupported, match="devices that CDI describes are not passed on"):
        builds.build(run("true", devices=(Device("gpu"),)))


def test_a_tmpfs_must_be_empty_and_of_its_size(builds: Builds):
    """What is written there is no layer."""
    mount = TmpfsMount("/scratch", 1 << 20)
    built = builds.build(run("df -k /scratch | tail -1 | awk '{print $2}'; echo x > /scratch/x", mounts=[mount]))
    assert (built.output, built.names()) == ("1024\n", [])


def test_the_network_must_be_what_was_asked_for(builds: Builds):
    """default: an address and a way out; none: the loopback; host: the host's."""
    probe = "ip -o -4 addr show | awk '{print $2}' | sort -u; ip route | grep -c default"
    assert builds.build(run(probe)).output == "eth0\nlo\n1\n"
    assert builds.build(run(f"{probe} || true", network="none")).output == "lo\n0\n"
    seen = builds.build(run("readlink /proc/self/ns/net"), around=Surroundings(network="host")).output.strip()
    assert seen == str(Path("/proc/self/ns/net").readlink())


def test_names_of_hosts_must_be_found(builds: Builds):
    """extra_hosts, with the host itself."""
    around = Surroundings(extra_hosts=(("db", "10.0.0.9"), ("outside", "host-gateway")))
    built = builds.build(run("grep -E -w 'db|outside' /etc/hosts; ip route | awk '/default/{print $3}'"), around=around)
    lines = built.output.split()
    assert lines[:2] == ["10.0.0.9", "db"]
    assert lines[2] == lines[4]


@pytest.mark.parametrize("network", ["default", "none", "host"])
def test_a_step_must_find_its_own_name_on_every_network(builds: Builds, network: str):
    """sudo, Java and mail servers look it up, and wait or complain where it leads nowhere."""
    built = builds.build(run("ping -c 1 -w 2 $(hostname) | head -n 1"), around=Surroundings(network=network))
    assert built.output.startswith("PING buildkitsandbox (127.0.0.1)")


def test_insecure_steps_must_be_refused_unless_allowed(builds: Builds):
    """The entitlement."""
    step = run("grep CapBnd /proc/self/status", security="insecure")
    with pytest.raises(PermissionDenied, match="--security=insecure"):
        builds.build(step)
    assert "a80425fb" not in builds.build(step, around=Surroundings(allow_insecure=True)).output


def test_a_step_must_not_take_the_hosts_network_unless_allowed(builds: Builds):
    """A Dockerfile from elsewhere does not reach what listens on this machine alone."""
    step = run("readlink /proc/self/ns/net", network="host")
    with pytest.raises(PermissionDenied, match="--network=host"):
        builds.build(step)
    seen = builds.build(step, around=Surroundings(allow_host_network=True)).output.strip()
    assert seen == str(Path("/proc/self/ns/net").readlink())


def test_limits_must_hold(builds: Builds):
    """ulimits and shm_size of the build."""
    around = Surroundings(shm_size_bytes=1 << 20, ulimits=(("nofile", 100, 200),))
    step = run("ulimit -n; ulimit -Hn; df -k /dev/shm | tail -1 | awk '{print $2}'")
    assert builds.build(step, around=around).output == "100\n200\n1024\n"


def test_the_same_build_must_give_the_same_layers(builds: Builds):
    """With SOURCE_DATE_EPOCH, from nothing, on another day."""
    around = Surroundings(clamp_s=1_600_000_000)
    (builds.context / "a").write_text("x")
    steps = copy("a", "/new/a"), run("echo 1 > /etc/1; mkdir /var; echo 2 > /var/2"), workdir("/w")
    first = builds.build(*steps, around=around, use_cache=False)
    os.utime(builds.context / "a")
    second = builds.build(*steps, around=around, use_cache=False)
    assert first.layers == second.layers
