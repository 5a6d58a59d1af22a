"""An image's configuration document, to ImageConfig and back (OCI image-spec, config.md; Docker's additions).

Documents of strangers are kept byte for byte as a blob, so that the image keeps its id; only what a
container needs is read out of them.
"""

import datetime
import json

from runtime.errors import InvalidArgument
from schemas.dataclass import dataclass
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageConfig
from schemas.oci.image import MAX_LAYERS

_HEALTH_STRINGS = frozenset({"Test"})
_HEALTH_NUMBERS = frozenset({"Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"})
_TIMES_NS = 1 << 63
"""From 1677 to 2262: what 64 bits hold."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is read out of a configuration document."""

    config: ImageConfig
    architecture: str = ""
    os: str = "linux"
    created_ns: int = 0
    diff_ids: tuple[DiffID, ...] = ()


def read_configuration(content: bytes) -> Configuration:
    """Read a configuration document. Raises InvalidArgument."""
    try:
        document = json.loads(content)
        return _read(document)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise InvalidArgument(f"the image's configuration is not valid: {error}") from error


def write_configuration(configuration: Configuration, comment: str) -> bytes:
    """Return the document of an image made here, its layers explained by one line of history each."""
    created = format_time(configuration.created_ns)
    document = {
        "architecture": configuration.architecture,
        "config": config_to_plain(configuration.config),
        "created": created,
        "history": [{"created": created, "comment": comment} for _ in configuration.diff_ids],
        "os": configuration.os,
        "rootfs": {"type": "layers", "diff_ids": list(configuration.diff_ids)},
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def format_time(time_ns: int) -> str:
    """Return nanoseconds since the epoch as RFC 3339 with nine digits."""
    moment = datetime.datetime.fromtimestamp(time_ns // 1_000_000_000, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % 1_000_000_000:09d}Z"


def parse_time(source: object) -> int:
    """Return nanoseconds since the epoch of a text in RFC 3339, 0 for none. Raises ValueError, OverflowError."""
    text = _string(source, "created")
    if not text:
        return 0
    # Nine digits of a second are common, and fromisoformat knows six.
    whole, _, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :]
    moment = datetime.datetime.fromisoformat(whole + zone if rest else text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    time_ns = int(moment.timestamp()) * 1_000_000_000 + int(digits[:9].ljust(9, "0"))
    # The year 1 is Go's word for no time, and reproducible builds write it.
    return time_ns if -_TIMES_NS <= time_ns < _TIMES_NS else 0


def _read(document: dict[str, object]) -> Configuration:
    rootfs = document.get("rootfs")
    if not isinstance(rootfs, dict) or rootfs.get("type") != "layers":
        raise ValueError("`rootfs` does not list layers")
    diff_ids = _strings(rootfs.get("diff_ids"), "diff_ids")
    if len(diff_ids) > MAX_LAYERS:
        raise ValueError(f"{len(diff_ids)} layers, {MAX_LAYERS} are possible")
    return Configuration(
        config=_config_from_plain(document.get("config") or {}),
        architecture=_string(document.get("architecture"), "architecture"),
        os=_string(document.get("os"), "os") or "linux",
        created_ns=parse_time(document.get("created")),
        diff_ids=tuple(DiffID(diff_id) for diff_id in diff_ids),
    )


def _config_from_plain(source: object) -> ImageConfig:
    if not isinstance(source, dict):
        raise ValueError("`config` is not an object")
    labels = source.get("Labels") or {}
    return ImageConfig(
        entrypoint=_strings(source.get("Entrypoint"), "Entrypoint"),
        command=_strings(source.get("Cmd"), "Cmd"),
        environment=_strings(source.get("Env"), "Env"),
        working_dir=_string(source.get("WorkingDir"), "WorkingDir"),
        user=_string(source.get("User"), "User"),
        stop_signal=_string(source.get("StopSignal"), "StopSignal"),
        exposed_ports=tuple(source.get("ExposedPorts") or {}),
        volumes=tuple(source.get("Volumes") or {}),
        labels={name: _string(value, "Labels") for name, value in labels.items()},
        healthcheck=_healthcheck(source.get("Healthcheck")),
        shell=_strings(source.get("Shell"), "Shell"),
        on_build=_strings(source.get("OnBuild"), "OnBuild"),
    )


def config_to_plain(config: ImageConfig) -> dict[str, object]:
    """Return the `config` part of a document."""
    return {key: value for key, value in _all_of(config).items() if value}


def _all_of(config: ImageConfig) -> dict[str, object]:
    return {
        "User": config.user,
        "ExposedPorts": {port: {} for port in config.exposed_ports},
        "Env": list(config.environment),
        "Entrypoint": list(config.entrypoint),
        "Cmd": list(config.command),
        "Volumes": {target: {} for target in config.volumes},
        "WorkingDir": config.working_dir,
        "Labels": dict(config.labels),
        "StopSignal": config.stop_signal,
        "Healthcheck": config.healthcheck,
        "Shell": list(config.shell),
        "OnBuild": list(config.on_build),
    }


CONFIG_NAMES = frozenset(_all_of(ImageConfig()))
"""What `config_to_plain` knows of a configuration."""


def _healthcheck(source: object) -> dict[str, object] | None:
    if source is None:
        return None
    if not isinstance(source, dict):
        raise ValueError("`Healthcheck` is not an object")
    health: dict[str, object] = {}
    for key, value in source.items():
        if key in _HEALTH_STRINGS:
            health[key] = list(_strings(value, key))
        elif key in _HEALTH_NUMBERS:
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(f"`Healthcheck.{key}` is not a number")
            health[key] = value
    return health or None


def _string(value: object, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"`{what}` is not text")
    return value


def _strings(value: object, what: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ValueError(f"`{what}` is not a list")
    return tuple(_string(item, what) for item in value)
