"""The shape of a service and of the whole file. Source: as schema.py."""

import re

from compose.loader import schema
from compose.loader.schema import (
    COMMAND,
    EXTRA_HOSTS,
    FILE_REFERENCES,
    FLAG,
    HOOKS,
    INTEGER,
    LIST_OR_MAPPING,
    NUMBER,
    OPTIONS,
    SET,
    TEXT,
    TEXT_OR_LIST,
    TEXTS,
    ULIMITS,
    choice,
    named,
)
from compose.loader.shapes import Keys, ListOf, Names, OneOf, Scalar

_RATES = ListOf(Keys({"path": TEXT, "rate": INTEGER}, required=("path",), extensible=False))
_WEIGHTS = ListOf(Keys({"path": TEXT, "weight": INTEGER}, required=("path",), extensible=False))
_TEXT_OR_NUMBER = Scalar(("string", "number"))

BLOCK_IO = Keys(
    {
        "device_read_bps": _RATES,
        "device_read_iops": _RATES,
        "device_write_bps": _RATES,
        "device_write_iops": _RATES,
        "weight": INTEGER,
        "weight_device": _WEIGHTS,
    },
    extensible=False,
)
DEPENDS_ON = OneOf(
    (
        SET,
        named(
            Keys(
                {
                    "condition": choice("service_started", "service_healthy", "service_completed_successfully"),
                    "required": Scalar(("boolean",)),
                    "restart": FLAG,
                },
                required=("condition",),
            )
        ),
    )
)
DEVICES = ListOf(
    OneOf((TEXT, Keys({"permissions": TEXT, "source": TEXT, "target": TEXT}, required=("source",)))),
)
ENV_FILE = OneOf(
    (
        TEXT,
        ListOf(
            OneOf((TEXT, Keys({"format": TEXT, "path": TEXT, "required": FLAG}, required=("path",), extensible=False))),
        ),
    )
)
HEALTHCHECK = Keys(
    {
        "disable": FLAG,
        "interval": TEXT,
        "retries": NUMBER,
        "start_interval": TEXT,
        "start_period": TEXT,
        "test": OneOf((TEXT, TEXTS)),
        "timeout": TEXT,
    }
)
LOGGING = Keys({"driver": TEXT, "options": Names(Scalar(("string", "number", "null")), closed=False)})
NETWORKS = OneOf(
    (
        SET,
        named(
            Keys(
                {
                    "aliases": SET,
                    "driver_opts": OPTIONS,
                    "gw_priority": Scalar(("number",)),
                    "interface_name": TEXT,
                    "ipv4_address": TEXT,
                    "ipv6_address": TEXT,
                    "link_local_ips": SET,
                    "mac_address": TEXT,
                    "priority": Scalar(("number",)),
                },
                nullable=True,
            )
        ),
    )
)
MODELS = OneOf((SET, named(Keys({"endpoint_var": TEXT, "model_var": TEXT}, nullable=True), closed=False)))
PORTS = ListOf(
    OneOf(
        (
            _TEXT_OR_NUMBER,
            Keys(
                {
                    "app_protocol": TEXT,
                    "host_ip": TEXT,
                    "mode": TEXT,
                    "name": TEXT,
                    "protocol": TEXT,
                    "published": INTEGER,
                    "target": INTEGER,
                }
            ),
        )
    ),
    unique=True,
)
_OPTION = Scalar(("string", "number", "boolean"))
PROVIDER = Keys({"options": Names(OneOf((_OPTION, ListOf(_OPTION))), closed=False), "type": TEXT}, required=("type",))
VOLUMES = ListOf(
    OneOf(
        (
            TEXT,
            Keys(
                {
                    "bind": Keys(
                        {
                            "create_host_path": FLAG,
                            "propagation": TEXT,
                            "recursive": choice("enabled", "disabled", "writable", "readonly"),
                            "selinux": choice("z", "Z"),
                        }
                    ),
                    "consistency": TEXT,
                    "image": Keys({"subpath": TEXT}),
                    "read_only": FLAG,
                    "source": TEXT,
                    "target": TEXT,
                    "tmpfs": Keys({"mode": NUMBER, "size": Scalar(("integer", "string"), minimum=0)}),
                    "type": choice("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
                    "volume": Keys({"labels": LIST_OR_MAPPING, "nocopy": FLAG, "subpath": TEXT}),
                },
                required=("type",),
            ),
        )
    ),
    unique=True,
)
_PULL_POLICIES = ("always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly")
_PULL_POLICY = Scalar(("string",), choices=_PULL_POLICIES, pattern=re.compile(r"^every_([0-9]+[wdhms])+$"))

SERVICE = Keys(
    {
        "annotations": LIST_OR_MAPPING,
        "attach": FLAG,
        "blkio_config": BLOCK_IO,
        "build": OneOf((TEXT, schema.BUILD)),
        "cap_add": SET,
        "cap_drop": SET,
        "cgroup": choice("host", "private"),
        "cgroup_parent": TEXT,
        "command": COMMAND,
        "configs": FILE_REFERENCES,
        "container_name": Scalar(("string",), pattern=re.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]+")),
        "cpu_count": Scalar(("integer", "string"), minimum=0),
        "cpu_percent": Scalar(("integer", "string"), minimum=0, maximum=100),
        "cpu_period": NUMBER,
        "cpu_quota": NUMBER,
        "cpu_rt_period": NUMBER,
        "cpu_rt_runtime": NUMBER,
        "cpu_shares": NUMBER,
        "cpus": NUMBER,
        "cpuset": TEXT,
        "credential_spec": Keys({"config": TEXT, "file": TEXT, "registry": TEXT}),
        "depends_on": DEPENDS_ON,
        "deploy": schema.DEPLOY,
        "develop": schema.DEVELOP,
        "device_cgroup_rules": SET,
        "devices": DEVICES,
        "dns": TEXT_OR_LIST,
        "dns_opt": SET,
        "dns_search": TEXT_OR_LIST,
        "domainname": TEXT,
        "entrypoint": COMMAND,
        "env_file": ENV_FILE,
        "environment": LIST_OR_MAPPING,
        "expose": ListOf(_TEXT_OR_NUMBER, unique=True),
        "extends": OneOf((TEXT, Keys({"file": TEXT, "service": TEXT}, required=("service",), extensible=False))),
        "external_links": SET,
        "extra_hosts": EXTRA_HOSTS,
        "gpus": schema.GPUS,
        "group_add": ListOf(_TEXT_OR_NUMBER, unique=True),
        "healthcheck": HEALTHCHECK,
        "hostname": TEXT,
        "image": TEXT,
        "init": FLAG,
        "ipc": TEXT,
        "isolation": TEXT,
        "label_file": OneOf((TEXT, TEXTS)),
        "labels": LIST_OR_MAPPING,
        "links": SET,
        "logging": LOGGING,
        "mac_address": TEXT,
        "mem_limit": NUMBER,
        "mem_reservation": INTEGER,
        "mem_swappiness": INTEGER,
        "memswap_limit": NUMBER,
        "models": MODELS,
        "network_mode": TEXT,
        "networks": NETWORKS,
        "oom_kill_disable": FLAG,
        "oom_score_adj": Scalar(("integer", "string"), minimum=-1000, maximum=1000),
        "pid": Scalar(("string", "null")),
        "pids_limit": NUMBER,
        "platform": TEXT,
        "ports": PORTS,
        "post_start": HOOKS,
        "pre_start": schema.PRE_START,
        "pre_stop": HOOKS,
        "privileged": FLAG,
        "profiles": SET,
        "provider": PROVIDER,
        "pull_policy": _PULL_POLICY,
        "pull_refresh_after": TEXT,
        "read_only": FLAG,
        "restart": TEXT,
        "runtime": TEXT,
        "scale": INTEGER,
        "secrets": FILE_REFERENCES,
        "security_opt": SET,
        "shm_size": NUMBER,
        "stdin_open": FLAG,
        "stop_grace_period": TEXT,
        "stop_signal": TEXT,
        "storage_opt": Names(Scalar(("string", "number", "boolean", "null")), closed=False),
        "sysctls": LIST_OR_MAPPING,
        "tmpfs": TEXT_OR_LIST,
        "tty": FLAG,
        "ulimits": ULIMITS,
        "use_api_socket": Scalar(("boolean",)),
        "user": TEXT,
        "userns_mode": TEXT,
        "uts": TEXT,
        "volumes": VOLUMES,
        "volumes_from": SET,
        "working_dir": TEXT,
    }
)
COMPOSE_FILE = Keys(
    {
        "configs": named(schema.CONFIG),
        "include": ListOf(schema.INCLUDE),
        "models": named(schema.MODEL, closed=False),
        "name": TEXT,
        "networks": named(schema.NETWORK, closed=False),
        "secrets": named(schema.SECRET),
        "services": named(SERVICE),
        "version": TEXT,
        "volumes": named(schema.VOLUME),
    }
)
