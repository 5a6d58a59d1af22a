"""Flags of `publish`."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("--app", action="store_true", help="Published compose application (includes referenced images)")
    add(
        "--oci-version",
        metavar="string",
        default="",
        help="OCI image/artifact specification version (automatically determined by default)",
    )
    add("--resolve-image-digests", action="store_true", help="Pin image tags to digests")
    add("--with-env", action="store_true", help="Include environment variables in the published OCI artifact")
    add("-y", "--yes", action="store_true", help='Assume "yes" as answer to all prompts')
    add("repository", metavar="REPOSITORY[:TAG]")
