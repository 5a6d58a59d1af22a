"""The shape of a Compose file, section by section.

Source: compose-spec, schema/compose-spec.json (2024-12, extended with what later versions add:
models, provider, pre_start, include of watch rules, provenance, refresh policies …).
"""

import re

from compose.loader.hints import with_hint
from compose.loader.problem import Problems
from compose.loader.shapes import Keys, ListOf, Names, OneOf, Scalar, Shape, problems
from compose.loader.tree_path import Tree

_NAME = re.compile(r"^[a-zA-Z0-9._-]+$")

TEXT = Scalar(("string",))
FLAG = Scalar(("boolean", "string"))
INTEGER = Scalar(("integer", "string"))
NUMBER = Scalar(("number", "string"))
TEXTS = ListOf(TEXT)
SET = ListOf(TEXT, unique=True)
TEXT_OR_LIST = OneOf((TEXT, SET))
LIST_OR_MAPPING = OneOf((Names(Scalar(("string", "number", "boolean", "null"))), SET))
COMMAND = OneOf((Scalar(("null",)), TEXT, TEXTS))
OPTIONS = Names(NUMBER, closed=False)
EXTRA_HOSTS = OneOf((Names(OneOf((TEXT, TEXTS))), SET))
ULIMITS = Names(
    OneOf((INTEGER, Keys({"hard": INTEGER, "soft": INTEGER}, required=("soft", "hard")))),
    pattern=re.compile("^[a-z]+$"),
    closed=False,
)
FILE_REFERENCES = ListOf(
    OneOf((TEXT, Keys({"source": TEXT, "target": TEXT, "uid": TEXT, "gid": TEXT, "mode": NUMBER}))),
)


def choice(*words: str) -> Scalar:
    """One of some words."""
    return Scalar(("string",), choices=words)


BUILD = Keys(
    {
        "additional_contexts": LIST_OR_MAPPING,
        "args": LIST_OR_MAPPING,
        "cache_from": TEXTS,
        "cache_to": TEXTS,
        "context": TEXT,
        "dockerfile": TEXT,
        "dockerfile_inline": TEXT,
        "entitlements": TEXTS,
        "extra_hosts": EXTRA_HOSTS,
        "isolation": TEXT,
        "labels": LIST_OR_MAPPING,
        "network": TEXT,
        "no_cache": FLAG,
        "no_cache_filter": TEXT_OR_LIST,
        "platforms": TEXTS,
        "privileged": FLAG,
        "provenance": FLAG,
        "pull": FLAG,
        "sbom": FLAG,
        "secrets": FILE_REFERENCES,
        "shm_size": INTEGER,
        "ssh": LIST_OR_MAPPING,
        "tags": TEXTS,
        "target": TEXT,
        "ulimits": ULIMITS,
    }
)

_DEVICE_REQUEST: dict[str, Shape] = {
    "capabilities": SET,
    "count": INTEGER,
    "device_ids": SET,
    "driver": TEXT,
    "options": LIST_OR_MAPPING,
}
GPUS = OneOf((choice("all"), ListOf(Keys(_DEVICE_REQUEST))))
_ROLLOUT = Keys(
    {
        "delay": TEXT,
        "failure_action": TEXT,
        "max_failure_ratio": NUMBER,
        "monitor": TEXT,
        "order": choice("start-first", "stop-first"),
        "parallelism": INTEGER,
    }
)
_GENERIC_RESOURCES = ListOf(Keys({"discrete_resource_spec": Keys({"kind": TEXT, "value": NUMBER})}))
DEPLOY = Keys(
    {
        "endpoint_mode": TEXT,
        "labels": LIST_OR_MAPPING,
        "mode": TEXT,
        "placement": Keys(
            {
                "constraints": TEXTS,
                "max_replicas_per_node": INTEGER,
                "preferences": ListOf(Keys({"spread": TEXT})),
            }
        ),
        "replicas": INTEGER,
        "resources": Keys(
            {
                "limits": Keys({"cpus": NUMBER, "memory": TEXT, "pids": INTEGER}),
                "reservations": Keys(
                    {
                        "cpus": NUMBER,
                        "devices": ListOf(Keys(_DEVICE_REQUEST, required=("capabilities",))),
                        "generic_resources": _GENERIC_RESOURCES,
                        "memory": TEXT,
                    }
                ),
            }
        ),
        "restart_policy": Keys({"condition": TEXT, "delay": TEXT, "max_attempts": INTEGER, "window": TEXT}),
        "rollback_config": _ROLLOUT,
        "update_config": _ROLLOUT,
    },
    nullable=True,
)

_HOOK: dict[str, Shape] = {
    "command": COMMAND,
    "environment": LIST_OR_MAPPING,
    "privileged": FLAG,
    "user": TEXT,
    "working_dir": TEXT,
}
HOOKS = ListOf(Keys(_HOOK, required=("command",)))
PRE_START = ListOf(Keys(_HOOK | {"image": TEXT, "per_replica": FLAG}))

DEVELOP = Keys(
    {
        "watch": ListOf(
            Keys(
                {
                    "action": choice("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
                    "exec": Keys(_HOOK, required=("command",)),
                    "ignore": TEXT_OR_LIST,
                    "include": TEXT_OR_LIST,
                    "initial_sync": Scalar(("boolean",)),
                    "path": TEXT,
                    "target": TEXT,
                },
                required=("path", "action"),
            )
        )
    },
    nullable=True,
)

_EXTERNAL = Keys({"name": TEXT}, extra_types=("boolean", "string"))
NETWORK = Keys(
    {
        "attachable": FLAG,
        "driver": TEXT,
        "driver_opts": OPTIONS,
        "enable_ipv4": FLAG,
        "enable_ipv6": FLAG,
        "external": _EXTERNAL,
        "internal": FLAG,
        "ipam": Keys(
            {
                "config": ListOf(
                    Keys({"aux_addresses": Names(TEXT), "gateway": TEXT, "ip_range": TEXT, "subnet": TEXT}),
                ),
                "driver": TEXT,
                "options": Names(TEXT),
            }
        ),
        "labels": LIST_OR_MAPPING,
        "name": TEXT,
    },
    nullable=True,
)
VOLUME = Keys(
    {"driver": TEXT, "driver_opts": OPTIONS, "external": _EXTERNAL, "labels": LIST_OR_MAPPING, "name": TEXT},
    nullable=True,
)
_FILE_OBJECT: dict[str, Shape] = {
    "environment": TEXT,
    "external": _EXTERNAL,
    "file": TEXT,
    "labels": LIST_OR_MAPPING,
    "name": TEXT,
    "template_driver": TEXT,
}
SECRET = Keys(_FILE_OBJECT | {"driver": TEXT, "driver_opts": OPTIONS})
CONFIG = Keys(_FILE_OBJECT | {"content": TEXT})
MODEL = Keys(
    {"context_size": Scalar(("integer",)), "model": TEXT, "name": TEXT, "runtime_flags": TEXTS},
    required=("model",),
)
INCLUDE = OneOf(
    (
        TEXT,
        Keys({"env_file": TEXT_OR_LIST, "path": TEXT_OR_LIST, "project_directory": TEXT}, extensible=False),
    )
)


def named(item: Shape, *, closed: bool = True) -> Names:
    """A mapping from resource names."""
    return Names(item, _NAME, closed)


def check_schema(tree: Tree, model: Shape, *, complete: bool = True) -> None:
    """Raises Problems, all of them; those about what is missing only where the tree is `complete`."""
    found = [problem for problem in problems(tree, model) if complete or problem.code != "missing-key"]
    if found:
        raise Problems(with_hint(problem, tree, model) for problem in found)
