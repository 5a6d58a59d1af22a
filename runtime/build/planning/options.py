"""What a build is asked for, beside its Dockerfile."""

from collections.abc import Mapping
from dataclasses import field

from runtime.build.dockerfile.ignore import IgnoreRules
from runtime.build.plan import Source
from runtime.image.platforms import own_platform
from schemas.dataclass import dataclass
from schemas.engine.records import ImageConfig
from schemas.oci.image import Platform


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Everything that decides about a plan."""

    target: str = ""
    """Name of a stage; empty for the last."""
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: Platform = field(default_factory=own_platform)
    contexts: Mapping[str, Source] = field(default_factory=dict)
    """Named contexts, which take the place of stages and images of that name."""
    network: str = "default"
    """Of each RUN that does not say."""
    ignore: IgnoreRules | None = None
    """The build context's: for a warning alone."""


@dataclass(frozen=True, slots=True)
class BaseImage:
    """What has to be known of an image that a stage stands on."""

    config: ImageConfig
    platform: Platform = field(default_factory=own_platform)
    author: str = ""
