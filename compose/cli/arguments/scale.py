"""Flags of `scale`."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--no-deps", action="store_true", help="Don't start linked services")
    parser.add_argument("replicas", nargs="+", metavar="SERVICE=REPLICAS")
