"""Keys of the labels by which containers, networks and volumes are found again.

The keys and values are docker compose's, so that its tools read them. Source: docker/compose,
pkg/api/labels.go.
"""

PREFIX = "com.docker.compose."

PROJECT = PREFIX + "project"
SERVICE = PREFIX + "service"
NETWORK = PREFIX + "network"
VOLUME = PREFIX + "volume"
CONTAINER_NUMBER = PREFIX + "container-number"
ONEOFF = PREFIX + "oneoff"
"""`True` for a container of `run`, else `False`."""
CONFIG_HASH = PREFIX + "config-hash"
WORKING_DIR = PREFIX + "project.working_dir"
CONFIG_FILES = PREFIX + "project.config_files"
"""Absolute paths, separated by commas."""
ENVIRONMENT_FILE = PREFIX + "project.environment_file"
IMAGE = PREFIX + "image"
"""The image's id when the container was made."""
DEPENDENCIES = PREFIX + "depends_on"
"""`service:condition:restart`, separated by commas."""
VERSION = PREFIX + "version"
REPLACE = PREFIX + "replace"
"""Name of the container that this one replaces."""


def is_own(key: str) -> bool:
    """Whether a label is one of docker compose's rather than the user's."""
    return key.startswith(PREFIX)
