"""Flags of `build`."""

import argparse

from compose.cli.options import add_services
from compose.render.mode import PROGRESS_MODES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add(
        "--build-arg",
        action="append",
        default=[],
        metavar="stringArray",
        help="Set build-time variables for services",
    )
    add("--builder", default="", help="Set builder to use")
    add("--check", action="store_true", help="Check build configuration")
    add(
        "-m",
        "--memory",
        default="",
        metavar="bytes",
        help="Set memory limit for the build container",
    )
    add("--no-cache", action="store_true", help="Do not use cache when building the image")
    add("--print", action="store_true", help="Print equivalent bake file")
    add("--provenance", default="", help="Add a provenance attestation")
    add("--pull", action="store_true", help="Always attempt to pull a newer version of the image")
    add("--push", action="store_true", help="Push service images")
    add("-q", "--quiet", action="store_true", help="Suppress the build output")
    add("--sbom", default="", help="Add a SBOM attestation")
    add(
        "--ssh",
        default=None,
        help="Set SSH authentications used when building service images. (use 'default' for using your default SSH "
        "Agent)",
    )
    add("--with-dependencies", action="store_true", help="Also build dependencies (transitively)")
    for name in ("--compress", "--force-rm", "--no-rm", "--parallel"):
        add(name, action="store_true", help=argparse.SUPPRESS)
    add("--progress", choices=PROGRESS_MODES, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    add_services(parser)
