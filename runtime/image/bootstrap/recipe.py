"""What a base image is made of: the arguments of mmdebstrap, the files put beside the packages, the labels. Pure.

The files are those of the official images, which are made for containers: no documentation in slim ones, no cache of
packages left behind, no service started at installation.
Source: mmdebstrap(1); github.com/debuerreotype/debuerreotype, scripts/.{slimify,debian-mirror}*, github.com/moby/moby,
contrib/mkimage/debootstrap.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from runtime.image.bootstrap.bases import Base
from runtime.image.bootstrap.sources import Source
from schemas.dataclass import dataclass
from schemas.engine.records import ImageConfig

RECIPE = "org.pycompose.bootstrap.recipe"
"""Label: what the image was asked to be; another answer would be another recipe."""
RELEASES = "org.pycompose.bootstrap.releases"
"""Label: digest of the mirrors' lists of contents."""
FILES = "/tmp/files"  # noqa: S108 - of the making's own mount namespace
VARIANTS = ("minbase", "essential", "apt", "required", "important", "standard", "buildd")
_VERSION = 2
"""Counts changes of this file that make other images."""
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MERGED_USR = "/usr/share/mmdebstrap/hooks/maybe-merged-usr"
_CLEAN = "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"
_SLIM = """\
# What a container has no use for. Copyright files stay.
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/info/*
path-exclude=/usr/share/linda/*
path-exclude=/usr/share/lintian/overrides/*
path-exclude=/usr/share/locale/*
path-include=/usr/share/locale/all_languages
path-include=/usr/share/locale/currency/*
path-include=/usr/share/locale/l10n/*
path-include=/usr/share/locale/languages
path-include=/usr/share/locale/locale.alias
path-exclude=/usr/share/man/*
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One base image."""

    base: Base
    sources: tuple[Source, ...]
    variant: str = "minbase"
    packages: tuple[str, ...] = ()

    def digest(self, epoch_s: int | None) -> str:
        """Return the identity of what was asked for; `epoch_s` is the time asked for, if any."""
        asked = [
            _VERSION,
            self.base.distribution.name,
            self.base.suite,
            self.base.slim,
            self.variant,
            sorted(self.packages),
            [source.release for source in self.sources],
            epoch_s,
        ]
        return f"sha256:{hashlib.sha256(json.dumps(asked).encode()).hexdigest()}"

    def config(self, codename: str, labels: Mapping[str, str]) -> ImageConfig:
        """Return the configuration of the image, which says where it is from."""
        distribution = self.base.distribution
        kind = f"{self.variant}, slim" if self.base.slim else self.variant
        more = f" with {', '.join(sorted(self.packages))}" if self.packages else ""
        return ImageConfig(
            command=(distribution.command,),
            environment=(_PATH,),
            labels={
                "org.opencontainers.image.title": f"{distribution.title} {codename} ({kind})",
                "org.opencontainers.image.version": codename,
                "org.opencontainers.image.description": f"made by `pycompose image bootstrap` from the packages of"
                f" {self.sources[0].uri}{more}; not the official image of a registry",
                "org.opencontainers.image.source": self.sources[0].uri,
                **labels,
            },
        )

    def files(self) -> dict[str, str]:
        """Return path and content of what lies beside the packages; `policy-rc.d` is a program."""
        files = {
            "etc/apt/apt.conf.d/docker-autoremove-suggests": 'Apt::AutoRemove::SuggestsImportant "false";\n',
            "etc/apt/apt.conf.d/docker-clean": f'DPkg::Post-Invoke {{ "{_CLEAN}"; }};\n'
            f'APT::Update::Post-Invoke {{ "{_CLEAN}"; }};\n'
            'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n',
            "etc/apt/apt.conf.d/docker-gzip-indexes": 'Acquire::GzipIndexes "true";\n',
            "etc/apt/apt.conf.d/docker-no-languages": 'Acquire::Languages "none";\n',
            "etc/dpkg/dpkg.cfg.d/docker-apt-speedup": "force-unsafe-io\n",
            f"etc/apt/sources.list.d/{self.base.distribution.name}.sources": "\n".join(
                self._stanza(source) for source in self.sources
            ),
            "usr/sbin/policy-rc.d": "#!/bin/sh\n# No service is started when its package is installed.\nexit 101\n",
        }
        if self.base.slim:
            files["etc/dpkg/dpkg.cfg.d/docker"] = _SLIM
        return files

    def arguments(self, proxies: Iterable[str]) -> list[str]:
        """Return the command line of mmdebstrap, which writes a tar to standard output."""
        options = [
            "--mode=root",
            "--format=tar",
            f"--variant={self.variant}",
            f"--components={','.join(self.base.distribution.components.split())}",
            # A runtime makes devices; those in an image are of no use, and not allowed everywhere.
            "--skip=output/dev",
            "--dpkgopt=force-unsafe-io",
            # Without it bookworm's init-system-helpers brings `usrmerge` along, and that the whole of Perl.
            f"--hook-dir={_MERGED_USR}",
            *(f"--aptopt={proxy}" for proxy in proxies),
        ]
        if self.packages:
            options.append(f"--include={','.join(self.packages)}")
        if self.base.slim:
            options.append(f"--dpkgopt={FILES}/etc/dpkg/dpkg.cfg.d/docker")
        lines = [source.line(self.base.distribution.components) for source in self.sources]
        hooks = [f"--customize-hook={hook}" for hook in (*_HOOKS, *([_MANUALS] if self.base.slim else []))]
        return ["mmdebstrap", *options, *hooks, self.base.suite, "-", *lines]

    def _stanza(self, source: Source) -> str:
        distribution = self.base.distribution
        return (
            f"Types: deb\nURIs: {source.uri}\nSuites: {source.suite}\nComponents: {distribution.components}\n"
            f"Signed-By: {distribution.keyring}\n"
        )


_HOOKS: Sequence[str] = (
    # What only mmdebstrap needed: proxies of this machine, its own list of sources.
    'rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap',
    'rm -f "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/var/cache/apt/*.bin',
    f'umask 022 && cp -R {FILES}/. "$1"/',
)
# Empty in slim images: packages link their manual pages into them, and those that find no folder cannot be installed
# (openjdk; github.com/debuerreotype/debuerreotype/issues/10).
_MANUALS = 'umask 022 && cd "$1"/usr/share && mkdir -p ' + " ".join(f"man/man{section}" for section in (1, 3, 5, 7, 8))
