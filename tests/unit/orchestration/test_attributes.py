"""docs/attributes.md says of every attribute what becomes of it, and it is true."""

from dataclasses import replace

import pytest

from compose.errors import ComposeError
from compose.loader.project import load
from compose.orchestration.hooks import exec_spec
from compose.orchestration.specs import warnings
from compose.orchestration.specs.container import container_spec
from compose.orchestration.specs.surroundings import Surroundings
from schemas.composefile.project import Project
from tests.support.attributes import STATES, rows, written
from tests.unit.loader.memory import options

SERVICE = "services.*."
STATE = {path: state for path, state, _ in rows()}

ELSEWHERE = {
    "attach": "what `up` shows: tests/scenarios/cli",
    "build": "tests of the builder",
    "container_name": "the container's name",
    "depends_on": "the plan's order: test_reconcile",
    "deploy.replicas": "how many containers: test_models",
    "env_file[].required": "tests/unit/loader/test_dotenv.py",
    "develop": "without a command that reads it",
    "label_file": "tests/conformance",
    "platform": "a check of the image: test_preflight",
    "profiles": "which services there are: tests/conformance",
    "pull_policy": "which images are fetched",
    "scale": "how many containers: test_models",
    "volumes[].bind.create_host_path": "the default is to make it: test_specs",
}
"""Attributes whose effect is not in what the runtime is asked for, and where it is looked at."""

HOOK = "command: [a]"
BIND = "type: bind, source: /s, target: /t"
VOLUME = "type: volume, source: v, target: /t"
SAMPLES: dict[str, str | tuple[str, str]] = {
    "annotations": "annotations: {a: b}",
    "blkio_config.weight": "blkio_config: {weight: 100}",
    "blkio_config.weight_device": "blkio_config: {weight_device: [{path: /dev/a, weight: 100}]}",
    **{
        f"blkio_config.device_{kind}": f"blkio_config: {{device_{kind}: [{{path: /dev/a, rate: 100}}]}}"
        for kind in ("read_bps", "read_iops", "write_bps", "write_iops")
    },
    "cap_add": "cap_add: [NET_ADMIN]",
    "cap_drop": "cap_drop: [CHOWN]",
    "cgroup": "cgroup: host",
    "cgroup_parent": "cgroup_parent: p",
    "command": "command: [a]",
    "configs": "configs: [c]",
    "configs[].target": ("configs: [c]", "configs: [{source: c, target: /t}]"),
    "configs[].uid": ("configs: [c]", "configs: [{source: c, uid: '1'}]"),
    "configs[].gid": ("configs: [c]", "configs: [{source: c, gid: '1'}]"),
    "configs[].mode": ("configs: [c]", "configs: [{source: c, mode: 0400}]"),
    "cpu_count": "cpu_count: 1",
    "cpu_percent": "cpu_percent: 50",
    "cpu_period": "cpu_period: 1000",
    "cpu_quota": "cpu_quota: 1000",
    "cpu_rt_period": "cpu_rt_period: 1000",
    "cpu_rt_runtime": "cpu_rt_runtime: 1000",
    "cpu_shares": "cpu_shares: 100",
    "cpus": "cpus: 0.5",
    "cpuset": "cpuset: '0'",
    "credential_spec": "credential_spec: {file: f}",
    "device_cgroup_rules": "device_cgroup_rules: ['c 1:3 mr']",
    "devices": "devices: [/dev/null]",
    "devices[].permissions": (
        "devices: [/dev/null]",
        "devices: [{source: /dev/null, target: /dev/null, permissions: r}]",
    ),
    "devices[].target": ("devices: [/dev/null]", "devices: [{source: /dev/null, target: /dev/a}]"),
    "dns": "dns: 1.1.1.1",
    "dns_opt": "dns_opt: [rotate]",
    "dns_search": "dns_search: a.example",
    "domainname": "domainname: d",
    "deploy.endpoint_mode": "deploy: {endpoint_mode: vip}",
    "deploy.labels": "deploy: {labels: {a: b}}",
    "deploy.mode": "deploy: {mode: global}",
    "deploy.placement": "deploy: {placement: {constraints: [a==b]}}",
    "deploy.resources.limits.cpus": "deploy: {resources: {limits: {cpus: 0.5}}}",
    "deploy.resources.limits.memory": "deploy: {resources: {limits: {memory: 64m}}}",
    "deploy.resources.limits.pids": "deploy: {resources: {limits: {pids: 10}}}",
    "deploy.resources.reservations.cpus": "deploy: {resources: {reservations: {cpus: 0.5}}}",
    "deploy.resources.reservations.memory": "deploy: {resources: {reservations: {memory: 64m}}}",
    "deploy.resources.reservations.devices": "deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}",
    "deploy.resources.reservations.generic_resources": (
        "deploy: {resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: a, value: 1}}]}}}"
    ),
    "deploy.restart_policy.condition": "deploy: {restart_policy: {condition: any}}",
    "deploy.restart_policy.max_attempts": (
        "deploy: {restart_policy: {condition: on-failure}}",
        "deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}",
    ),
    "deploy.restart_policy.delay": (
        "deploy: {restart_policy: {condition: any}}",
        "deploy: {restart_policy: {condition: any, delay: 1s}}",
    ),
    "deploy.restart_policy.window": (
        "deploy: {restart_policy: {condition: any}}",
        "deploy: {restart_policy: {condition: any, window: 1s}}",
    ),
    "deploy.rollback_config": "deploy: {rollback_config: {parallelism: 1}}",
    "deploy.update_config": "deploy: {update_config: {parallelism: 1}}",
    "entrypoint": "entrypoint: [a]",
    "env_file": "env_file: env",
    "env_file[].format": ("env_file: [{path: env}]", "env_file: [{path: env, format: raw}]"),
    "environment": "environment: {A: b}",
    "expose": "expose: ['80']",
    "extends": "extends: {service: base}",
    "external_links": "external_links: [c:d]",
    "extra_hosts": "extra_hosts: {a: 1.1.1.1}",
    "gpus": "gpus: all",
    "group_add": "group_add: [a]",
    "healthcheck.disable": ("healthcheck: {interval: 1s}", "healthcheck: {disable: true}"),
    "healthcheck.interval": "healthcheck: {interval: 1s}",
    "healthcheck.retries": "healthcheck: {retries: 1}",
    "healthcheck.start_interval": "healthcheck: {start_interval: 1s, start_period: 2s}",
    "healthcheck.start_period": "healthcheck: {start_period: 2s}",
    "healthcheck.test": "healthcheck: {test: a}",
    "healthcheck.timeout": "healthcheck: {timeout: 1s}",
    "hostname": "hostname: h",
    "image": "image: other",
    "init": "init: true",
    "ipc": "ipc: host",
    "isolation": "isolation: hyperv",
    "labels": "labels: {a: b}",
    "links": "links: ['b:x']",
    "logging.driver": "logging: {driver: local}",
    "logging.options": "logging: {options: {max-size: 1m}}",
    "mac_address": "mac_address: 02:00:00:00:00:01",
    "mem_limit": "mem_limit: 64m",
    "mem_reservation": "mem_reservation: 64m",
    "mem_swappiness": "mem_swappiness: 10",
    "memswap_limit": "memswap_limit: 64m",
    "models": "models: [m]",
    "network_mode": "network_mode: host",
    "networks": "networks: [n]",
    "networks.*.aliases": ("networks: [n]", "networks: {n: {aliases: [x]}}"),
    "networks.*.driver_opts": ("networks: [n]", "networks: {n: {driver_opts: {a: b}}}"),
    "networks.*.gw_priority": ("networks: [n]", "networks: {n: {gw_priority: 1}}"),
    "networks.*.interface_name": ("networks: [n]", "networks: {n: {interface_name: x}}"),
    "networks.*.ipv4_address": ("networks: [n]", "networks: {n: {ipv4_address: 10.1.1.9}}"),
    "networks.*.ipv6_address": ("networks: [n]", "networks: {n: {ipv6_address: 'fd00::9'}}"),
    "networks.*.link_local_ips": ("networks: [n]", "networks: {n: {link_local_ips: [169.254.1.9]}}"),
    "networks.*.mac_address": ("networks: [n]", "networks: {n: {mac_address: 02:00:00:00:00:01}}"),
    "networks.*.priority": ("networks: [n]", "networks: {n: {priority: 1}}"),
    "oom_kill_disable": "oom_kill_disable: true",
    "oom_score_adj": "oom_score_adj: 10",
    "pid": "pid: host",
    "pids_limit": "pids_limit: 10",
    "ports": "ports: ['80']",
    "ports[].app_protocol": ("ports: [{target: 80}]", "ports: [{target: 80, app_protocol: http}]"),
    "ports[].host_ip": ("ports: [{target: 80}]", "ports: [{target: 80, host_ip: 127.0.0.1}]"),
    "ports[].mode": ("ports: [{target: 80}]", "ports: [{target: 80, mode: host}]"),
    "ports[].name": ("ports: [{target: 80}]", "ports: [{target: 80, name: n}]"),
    "ports[].protocol": ("ports: [{target: 80}]", "ports: [{target: 80, protocol: udp}]"),
    "ports[].published": ("ports: [{target: 80}]", "ports: [{target: 80, published: 81}]"),
    "ports[].target": ("ports: [{target: 80}]", "ports: [{target: 81}]"),
    **{
        f"{hook}[].{key}": (f"{hook}: [{{{HOOK}}}]", f"{hook}: [{{{HOOK}, {key}: {value}}}]")
        for hook in ("post_start", "pre_stop")
        for key, value in {"environment": "[A=b]", "privileged": "true", "user": "u", "working_dir": "/w"}.items()
    },
    "post_start": f"post_start: [{{{HOOK}}}]",
    "pre_stop": f"pre_stop: [{{{HOOK}}}]",
    "pre_start": f"pre_start: [{{{HOOK}}}]",
    "privileged": "privileged: true",
    "provider": "provider: {type: p}",
    "pull_refresh_after": "pull_refresh_after: 1h",
    "read_only": "read_only: true",
    "restart": "restart: always",
    "runtime": "runtime: wasm",
    "secrets": "secrets: [s]",
    "secrets[].target": ("secrets: [s]", "secrets: [{source: s, target: /t}]"),
    "secrets[].uid": ("secrets: [s]", "secrets: [{source: s, uid: '1'}]"),
    "secrets[].gid": ("secrets: [s]", "secrets: [{source: s, gid: '1'}]"),
    "secrets[].mode": ("secrets: [s]", "secrets: [{source: s, mode: 0400}]"),
    "security_opt": "security_opt: [no-new-privileges]",
    "shm_size": "shm_size: 1m",
    "stdin_open": "stdin_open: true",
    "stop_grace_period": "stop_grace_period: 1s",
    "stop_signal": "stop_signal: SIGINT",
    "storage_opt": "storage_opt: {size: 1g}",
    "sysctls": "sysctls: {net.core.somaxconn: 1}",
    "tmpfs": "tmpfs: /t",
    "tty": "tty: true",
    "ulimits": "ulimits: {nofile: 10}",
    "ulimits.*.hard": ("ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits: {nofile: {soft: 1, hard: 3}}"),
    "ulimits.*.soft": ("ulimits: {nofile: {soft: 1, hard: 3}}", "ulimits: {nofile: {soft: 2, hard: 3}}"),
    "use_api_socket": "use_api_socket: true",
    "user": "user: u",
    "userns_mode": "userns_mode: private",
    "uts": "uts: host",
    "volumes": "volumes: [/t]",
    "volumes[].bind.propagation": (f"volumes: [{{{BIND}}}]", f"volumes: [{{{BIND}, bind: {{propagation: shared}}}}]"),
    "volumes[].bind.recursive": (f"volumes: [{{{BIND}}}]", f"volumes: [{{{BIND}, bind: {{recursive: disabled}}}}]"),
    "volumes[].bind.selinux": (f"volumes: [{{{BIND}}}]", f"volumes: [{{{BIND}, bind: {{selinux: z}}}}]"),
    "volumes[].consistency": (f"volumes: [{{{BIND}}}]", f"volumes: [{{{BIND}, consistency: cached}}]"),
    "volumes[].image": "volumes: [{type: image, source: i, target: /t, image: {subpath: p}}]",
    "volumes[].read_only": (f"volumes: [{{{BIND}}}]", f"volumes: [{{{BIND}, read_only: true}}]"),
    "volumes[].source": (f"volumes: [{{{BIND}}}]", "volumes: [{type: bind, source: /u, target: /t}]"),
    "volumes[].target": (f"volumes: [{{{BIND}}}]", "volumes: [{type: bind, source: /s, target: /u}]"),
    "volumes[].type": ("volumes: [{type: tmpfs, target: /t}]", "volumes: [{type: volume, target: /t}]"),
    "volumes[].tmpfs.mode": "volumes: [{type: tmpfs, target: /t, tmpfs: {mode: 0700}}]",
    "volumes[].tmpfs.size": (
        "volumes: [{type: tmpfs, target: /t}]",
        "volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m}}]",
    ),
    "volumes[].volume.labels": (
        "volumes: [{type: volume, target: /t}]",
        "volumes: [{type: volume, target: /t, volume: {labels: {a: b}}}]",
    ),
    "volumes[].volume.nocopy": (f"volumes: [{{{VOLUME}}}]", f"volumes: [{{{VOLUME}, volume: {{nocopy: true}}}}]"),
    "volumes[].volume.subpath": (f"volumes: [{{{VOLUME}}}]", f"volumes: [{{{VOLUME}, volume: {{subpath: p}}}}]"),
    "volumes_from": "volumes_from: [b]",
    "working_dir": "working_dir: /w",
}
"""A use of each attribute; the effect is what differs from a service without it, or from the first of two."""

REST = """
  b: {image: i, networks: [default, n]}
  base: {image: i, user: base}
networks: {n: {ipam: {config: [{subnet: 10.1.1.0/24}, {subnet: 'fd00::/64'}]}}}
volumes: {v: {}}
secrets: {s: {file: ./s}}
configs: {c: {content: text}}
models: {m: {model: a}}
"""


def outcome(sample: str | tuple[str, str]) -> str:
    """Which state an attribute has."""
    without, with_it = ("", sample) if isinstance(sample, str) else sample
    try:
        project = project_of(with_it)
        found = warnings.check(project.services["a"])
        asked = asked_for(project)
    except ComposeError:
        return "refused"
    if found:
        return "warned"
    return "ignored" if asked == asked_for(project_of(without)) else "works"


def project_of(attributes: str) -> Project:
    fields = f"image: i, {attributes}" if "image:" not in attributes else attributes
    text = f"services:\n  a: {{{fields}}}\n{REST}"
    return load(options({"compose.yaml": text, "env": "A='b'\n", "s": "secret"})).project


def asked_for(project: Project) -> object:
    """All that the runtime is asked for because of the service, but for the labels about the file."""
    service = project.services["a"]
    spec = container_spec(Surroundings(project), service)
    own = {key: value for key, value in spec.labels.items() if not key.startswith("com.docker.compose.")}
    hooks = [exec_spec(hook) for hook in (*service.post_start, *service.pre_stop)]
    return replace(spec, labels={}, annotations={}), own, hooks


def test_every_attribute_must_have_one_row():
    """And every row is an attribute."""
    paths = [path for path, _, _ in rows()]
    assert sorted(paths) == sorted(written())


def test_what_does_not_work_must_have_its_reason():
    """In a state that the page explains."""
    assert [path for path, state, note in rows() if state not in STATES or (state != "works" and not note)] == []


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_state_of_an_attribute_must_be_true(name):
    """Refused is an error, warned a warning; what works changes what the runtime is asked for; ignored is no change."""
    assert outcome(SAMPLES[name]) == STATE[SERVICE + name]


def test_every_attribute_of_a_service_must_be_tried():
    """Or be named with the place where it is; one below another is tried with it."""
    tried = {*SAMPLES, *ELSEWHERE}
    names = [path.removeprefix(SERVICE) for path in STATE if path.startswith(SERVICE)]
    assert [name for name in names if not _is_tried(name, tried)] == []


def _is_tried(name: str, tried: set[str]) -> bool:
    above = {name[:end] for end, letter in enumerate(name) if letter in ".["}
    below = any(other.startswith((f"{name}.", f"{name}[")) for other in tried)
    return name in tried or below or bool(above & tried)
