"""Values of flags that several commands read alike."""

from collections.abc import Iterable, Mapping


def environment_of(values: Iterable[str], environment: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables of `-e NAME=value`; `-e NAME` takes the caller's, or is left out where there is none.

    Docker leaves the container's own value then.
    """
    variables: dict[str, str | None] = {}
    for each in values:
        name, equals, value = each.partition("=")
        if equals:
            variables[name] = value
        elif name in environment:
            variables[name] = environment[name]
    return variables


def labels_of(values: Iterable[str]) -> dict[str, str]:
    """Return the labels of `-l key=value`; without a value it is empty."""
    return {key: value for key, _, value in (each.partition("=") for each in values)}
