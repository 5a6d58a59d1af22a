"""From a service to the container that the runtime is asked for: no attribute gets lost."""

from pathlib import Path

import pytest

from compose import labels
from compose.errors import ProjectError
from compose.orchestration.reconcile.divergence import differences
from compose.orchestration.specs.container import container_spec
from compose.orchestration.specs.resources import network_spec, volume_spec
from compose.orchestration.specs.surroundings import Surroundings
from compose.version import __version__
from schemas.composefile.network import NetworkConfig
from schemas.composefile.service import ServiceConfig
from schemas.composefile.volume import VolumeConfig
from schemas.engine.specs import (
    ContainerSpec,
    Device,
    EndpointSpec,
    FileObject,
    Healthcheck,
    IPAMPool,
    LogConfig,
    Mount,
    NetworkSpec,
    PortBinding,
    Resources,
    RestartPolicy,
    VolumesFrom,
    VolumeSpec,
)
from tests.support.builders import FOLDER, needs, project, service


def spec_of(*services: ServiceConfig, number: int = 1, **of_project: object) -> ContainerSpec:
    """The spec of the first service."""
    return container_spec(Surroundings(project(*services, **of_project)), services[0], number)


@pytest.mark.parametrize(
    ("attributes", "field", "expected"),
    [
        ({"command": ("a", "b")}, "command", ("a", "b")),
        ({"command": ()}, "command", ()),
        ({"entrypoint": ("sh", "-c")}, "entrypoint", ("sh", "-c")),
        ({"environment": {"A": "1", "B": None}}, "environment", {"A": "1", "B": None}),
        ({"user": "1000:1000"}, "user", "1000:1000"),
        ({"working_dir": "/srv"}, "working_dir", "/srv"),
        ({"group_add": ("audio",)}, "group_add", ("audio",)),
        ({"hostname": "h"}, "hostname", "h"),
        ({"domainname": "d"}, "domainname", "d"),
        ({"tty": True}, "tty", True),
        ({"stdin_open": True}, "stdin_open", True),
        ({"init": True}, "init", True),
        ({"stop_signal": "SIGINT"}, "stop_signal", "SIGINT"),
        ({"stop_grace_period": 2.5}, "stop_grace_period_s", 2.5),
        ({"read_only": True}, "read_only", True),
        ({"shm_size": 1024}, "shm_size_bytes", 1024),
        ({}, "shm_size_bytes", 64 * 1024 * 1024),
        ({"expose": ("80",)}, "expose", ("80",)),
        ({"dns": ("1.1.1.1",)}, "dns", ("1.1.1.1",)),
        ({"dns_search": ("lan",)}, "dns_search", ("lan",)),
        ({"dns_opt": ("ndots:1",)}, "dns_options", ("ndots:1",)),
        ({"extra_hosts": {"h": ("1.2.3.4", "::1")}}, "extra_hosts", (("h", "1.2.3.4"), ("h", "::1"))),
        ({"pid": "host"}, "pid_mode", "host"),
        ({"ipc": "shareable"}, "ipc_mode", "shareable"),
        ({"uts": "host"}, "uts_mode", "host"),
        ({"cgroup": "private"}, "cgroup_mode", "private"),
        ({"cgroup_parent": "/a"}, "cgroup_parent", "/a"),
        ({"cap_add": ("NET_ADMIN",)}, "cap_add", ("NET_ADMIN",)),
        ({"cap_drop": ("ALL",)}, "cap_drop", ("ALL",)),
        ({"privileged": True}, "privileged", True),
        ({"security_opt": ("no-new-privileges",)}, "security_opt", ("no-new-privileges",)),
        ({"sysctls": {"net.core.somaxconn": "1"}}, "sysctls", {"net.core.somaxconn": "1"}),
        (
            {"ulimits": {"nofile": {"single": 5}, "core": {"soft": 1, "hard": 2}}},
            "ulimits",
            (("nofile", 5, 5), ("core", 1, 2)),
        ),
        ({"devices": [{"source": "/dev/null", "target": "/dev/x"}]}, "devices", (Device("/dev/null", "/dev/x"),)),
        ({"device_cgroup_rules": ("c 1:3 mr",)}, "device_cgroup_rules", ("c 1:3 mr",)),
        ({"oom_score_adj": 5}, "oom_score_adj", 5),
        ({"annotations": {"a": "b"}}, "annotations", {"a": "b"}),
        ({"logging": {"driver": "none"}}, "log", LogConfig("none")),
        ({"logging": {"options": {"max-size": "1m"}}}, "log", LogConfig(options={"max-size": "1m"})),
        ({"restart": "on-failure:3"}, "restart", RestartPolicy("on-failure", 3)),
        ({"restart": "unless-stopped"}, "restart", RestartPolicy("unless-stopped")),
        ({"deploy": {"restart_policy": {"condition": "any"}}}, "restart", RestartPolicy("always")),
        (
            {"deploy": {"restart_policy": {"condition": "on-failure", "max_attempts": 2}}},
            "restart",
            RestartPolicy("on-failure", 2),
        ),
        ({"restart": "no", "deploy": {"restart_policy": {"condition": "any"}}}, "restart", RestartPolicy()),
        ({"healthcheck": {"disable": True}}, "healthcheck", Healthcheck(("NONE",))),
        (
            {"healthcheck": {"test": ("CMD", "x"), "interval": 1.0, "retries": 9}},
            "healthcheck",
            Healthcheck(("CMD", "x"), interval_s=1.0, retries=9),
        ),
        (
            {"mem_limit": 8, "cpus": 0.5, "pids_limit": -1},
            "resources",
            Resources(memory_bytes=8, cpus=0.5, pids_limit=-1),
        ),
        ({"mem_limit": 8, "deploy": {"resources": {"limits": {"memory": 9}}}}, "resources", Resources(memory_bytes=9)),
        (
            {"deploy": {"resources": {"reservations": {"memory": 7}}}},
            "resources",
            Resources(memory_reservation_bytes=7),
        ),
        (
            {"ports": [{"target": 80, "published": "8080", "host_ip": "::1", "protocol": "udp"}]},
            "ports",
            (PortBinding(80, "udp", "::1", 8080),),
        ),
        (
            {"ports": [{"target": 80, "published": "8000-8010"}]},
            "ports",
            (PortBinding(80, host_port=8000, host_port_end=8010),),
        ),
        ({"ports": [{"target": 80}]}, "ports", (PortBinding(80),)),
        (
            {"tmpfs": ("/t:size=1m,mode=1777",)},
            "mounts",
            (Mount("tmpfs", "/t", tmpfs_options=("size=1m", "mode=1777")),),
        ),
        ({"network_mode": "host"}, "network_mode", "host"),
        ({"network_mode": "container:other"}, "network_mode", "container:other"),
        ({"network_mode": "bridge"}, "endpoints", (EndpointSpec("bridge", ("web",)),)),
        ({"volumes_from": ("container:c:ro",)}, "volumes_from", (VolumesFrom("c", read_only=True),)),
    ],
)
def test_an_attribute_must_reach_the_spec(attributes: dict[str, object], field: str, expected: object) -> None:
    """Under the runtime's name, resolved."""
    assert getattr(spec_of(service("web", **attributes)), field) == expected


@pytest.mark.parametrize("restart", ["sometimes", "on-failure:x", "always:3"])
def test_unknown_restart_policy_must_be_refused(restart: str) -> None:
    """Docker does at creation; silence would look like consent."""
    with pytest.raises(ProjectError, match="invalid restart policy") as caught:
        spec_of(service("web", restart=restart))
    assert "unless-stopped" in caught.value.hint


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("seccomp:p.json", f"seccomp:{FOLDER}/p.json"),
        ("seccomp=/p.json", "seccomp=/p.json"),
        ("seccomp:unconfined", "seccomp:unconfined"),
        ('seccomp={"a": 1}', 'seccomp={"a": 1}'),
        ("no-new-privileges:true", "no-new-privileges:true"),
    ],
)
def test_seccomp_profile_must_be_found_from_the_project_folder(written: str, resolved: str) -> None:
    """From wherever the command runs."""
    assert spec_of(service("web", security_opt=(written,))).security_opt == (resolved,)


def test_mode_of_a_config_file_must_work_in_a_read_only_service(tmp_path: Path) -> None:
    """Only `content` and `environment` are refused there, as docker compose does."""
    (tmp_path / "c").write_text("x")
    web = service("web", read_only=True, configs=[{"source": "c", "mode": 0o440}])
    (file,) = spec_of(web, configs={"c": {"file": str(tmp_path / "c")}}).files
    assert (file.content, file.mode) == ("x", 0o440)
    with pytest.raises(ProjectError, match="sole supported option"):
        spec_of(web, configs={"c": {"content": "x"}})


def test_mounts_must_have_real_names_and_options() -> None:
    """A volume's key becomes its name; binds keep what they need."""
    volumes = [
        {"type": "volume", "source": "data", "target": "/d", "volume": {"nocopy": True, "subpath": "s"}},
        {"type": "volume", "target": "/anonymous"},
        {
            "type": "bind",
            "source": "/h",
            "target": "/b",
            "read_only": True,
            "bind": {"propagation": "rshared"},
        },
        {"type": "bind", "source": "/i", "target": "/c", "bind": {"create_host_path": False}},
        {"type": "tmpfs", "target": "/t", "tmpfs": {"size": 5, "mode": 0o700}},
    ]
    assert spec_of(service("web", volumes=volumes)).mounts == (
        Mount("volume", "/d", "shop_data", no_copy=True, subpath="s"),
        Mount("volume", "/anonymous"),
        Mount("bind", "/b", "/h", read_only=True, create_host_path=True, propagation="rshared"),
        Mount("bind", "/c", "/i"),
        Mount("tmpfs", "/t", tmpfs_size_bytes=5, tmpfs_mode=0o700),
    )


def test_other_services_must_be_named_by_their_containers() -> None:
    """service:x, volumes_from, links."""
    web = service(
        "web", network_mode="service:db", pid="service:db", ipc="service:db", volumes_from=("db:ro",), links=()
    )
    spec = spec_of(web, service("db"))
    assert (spec.network_mode, spec.pid_mode, spec.ipc_mode) == ("container:shop-db-1",) * 3
    assert spec.volumes_from == (VolumesFrom("shop-db-1", read_only=True),)
    assert spec.endpoints == ()
    linked = spec_of(service("web", links=("db:store",), external_links=("far:near",)), service("db"))
    assert linked.endpoints[0].links == (
        ("store", "shop-db-1"),
        ("db-1", "shop-db-1"),
        ("shop-db-1", "shop-db-1"),
        ("near", "far"),
    )


def test_networks_must_be_ordered_by_priority_and_answer_to_aliases() -> None:
    """The service's own name first."""
    places = {"b": {"aliases": ("x",)}, "a": None, "z": {"priority": 9, "ipv4_address": "10.0.0.2"}}
    assert spec_of(service("web", networks=places)).endpoints == (
        EndpointSpec("shop_z", ("web",), ipv4_address="10.0.0.2", priority=9),
        EndpointSpec("shop_a", ("web",)),
        EndpointSpec("shop_b", ("web", "x")),
    )


def test_secrets_and_configs_must_become_files(tmp_path: Path) -> None:
    """110: names, modes, content from the environment; a file with its own owner is a copy."""
    (tmp_path / "s").write_text("hush")
    secrets = {
        "plain": {"file": str(tmp_path / "s")},
        "owned": {"file": str(tmp_path / "s")},
        "env": {"environment": "V"},
    }
    web = service(
        "web",
        secrets=[
            {"source": "plain"},
            {"source": "owned", "uid": "5", "mode": 0o400},
            {"source": "env", "target": "/e"},
        ],
        configs=[{"source": "text"}, {"source": "empty"}],
    )
    configs = {"text": {"content": "hello"}, "empty": {"content": ""}}
    assert spec_of(web, secrets=secrets, configs=configs, environment={"V": "v"}).files == (
        FileObject("/run/secrets/plain", str(tmp_path / "s")),
        FileObject("/run/secrets/owned", content="hush", uid=5, mode=0o400),
        FileObject("/e", content="v"),
        FileObject("/text", content="hello"),
    )
    with pytest.raises(ProjectError, match=r'^environment variable "V" required by secret "env" is not set$'):
        spec_of(web, secrets=secrets, configs=configs)
    with pytest.raises(ProjectError, match=r"^unsupported external secret vault$"):
        spec_of(service("w", secrets=[{"source": "s"}]), secrets={"s": {"external": True, "name": "vault"}})


def test_labels_must_be_docker_composes() -> None:
    """47."""
    web = service("web", labels={"mine": "1"}, depends_on=needs("db", condition="service_healthy", restart=True))
    of_project = {"compose_files": ("/srv/shop/a.yml", "/srv/shop/b.yml"), "environment_files": ("/srv/shop/.env",)}
    found = dict(spec_of(web, service("db"), number=2, **of_project).labels)
    assert len(found.pop(labels.CONFIG_HASH)) == 64
    assert found == {
        "mine": "1",
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "2",
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project.working_dir": "/srv/shop",
        "com.docker.compose.project.config_files": "/srv/shop/a.yml,/srv/shop/b.yml",
        "com.docker.compose.project.environment_file": "/srv/shop/.env",
        "com.docker.compose.image": "",
        "com.docker.compose.depends_on": "db:service_healthy:true",
        "com.docker.compose.version": __version__,
    }


def hash_of(**attributes: object) -> str:
    """The config hash of a service."""
    return spec_of(service("web", **attributes)).labels[labels.CONFIG_HASH]


@pytest.mark.parametrize(
    "attributes",
    [
        {"scale": 3},
        {"deploy": {"replicas": 2}},
        {"depends_on": needs("db")},
        {"profiles": ("p",)},
        {"build": {"context": "."}},
    ],
)
def test_the_hash_must_ignore_what_changes_no_container(attributes: dict[str, object]) -> None:
    """50."""
    assert hash_of(**attributes) == hash_of()


def test_the_hash_must_be_one_for_all_replicas_and_stable() -> None:
    """50: a change of this value recreates every container that there is."""
    web = service("web", environment={"A": "1"})
    assert spec_of(web).labels[labels.CONFIG_HASH] == spec_of(web, number=2).labels[labels.CONFIG_HASH]
    assert hash_of(environment={"A": "1"}) != hash_of()
    assert hash_of(container_name="x") != hash_of()
    assert hash_of(labels={"a": "1"}) != hash_of()
    assert hash_of() == "d34b68a21cc21517468b35d2348b7484b8c4fbaf0143fb0e8d6d49e61d499753"


def test_differences_must_bear_the_compose_files_names() -> None:
    """To the attribute: the key, the target, the port."""
    old = spec_of(service("web", environment={"A": "1", "B": "1"}, mem_limit=10, tmpfs=("/t",), restart="always"))
    new = spec_of(service("web", environment={"A": "2", "C": "1"}, mem_limit=20, tmpfs=("/u",), stop_grace_period=1.0))
    assert differences(old, new) == [
        "environment.A",
        "environment.B",
        "environment.C",
        "stop_grace_period",
        "restart.name",
        "volumes./t",
        "volumes./u",
        "mem_limit",
    ]


def test_networks_and_volumes_must_be_asked_for_with_their_labels() -> None:
    """47, and every attribute."""
    network = NetworkConfig(
        name="front",
        driver="macvlan",
        driver_opts={"parent": "eth0"},
        internal=True,
        attachable=True,
        enable_ipv6=True,
        ipam={"config": [{"subnet": "10.1.0.0/16", "gateway": "10.1.0.1", "aux_addresses": {"h": "10.1.0.9"}}]},
        labels={"l": "1"},
    )
    shop = project(service("web"), networks={"net": network}, volumes={"data": VolumeConfig(labels={"v": "2"})})
    spec = network_spec(shop, "net")
    pools = (IPAMPool("10.1.0.0/16", "10.1.0.1", "", {"h": "10.1.0.9"}),)
    assert spec == NetworkSpec(
        "front", "shop", "net", "macvlan", {"parent": "eth0"}, pools, True, True, True, dict(spec.labels)
    )
    assert spec.labels.items() >= {"l": "1", labels.NETWORK: "net", labels.PROJECT: "shop"}.items()
    volume = volume_spec(shop, "data")
    assert volume == VolumeSpec("shop_data", "shop", "data", "local", {}, dict(volume.labels))
    assert volume.labels.items() >= {"v": "2", labels.VOLUME: "data"}.items()
    assert len(volume.labels[labels.CONFIG_HASH]) == 64
