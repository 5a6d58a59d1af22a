"""Order, subsets and cycles of services."""

import pytest

from compose.errors import EXIT_BAD_MODEL, CircularDependency
from compose.graph.dependencies import DependencyGraph


def test_order_must_put_dependencies_first_and_keep_the_files_order_otherwise() -> None:
    """What nothing binds stays as it was written."""
    graph = DependencyGraph({"web": ["api"], "mail": [], "api": ["db"], "db": []})
    assert graph.order() == ("mail", "db", "api", "web")


def test_selection_must_bring_along_what_the_named_ones_need() -> None:
    """`up web` starts api and db too, and leaves mail alone."""
    graph = DependencyGraph({"web": ["api"], "mail": [], "api": ["db"], "db": []})
    assert graph.selection(["web"]) == ("db", "api", "web")
    assert graph.selection(["web"], with_dependencies=False) == ("web",)
    assert graph.selection([]) == graph.order()


def test_dependents_must_be_found_over_several_steps() -> None:
    """What stands on db goes before db does."""
    graph = DependencyGraph({"web": ["api"], "mail": [], "api": ["db"], "db": []})
    assert graph.dependents(["db"]) == ("web", "api")
    assert graph.dependencies(["web"]) == ("api", "db")
    assert graph.direct_dependents("db") == ("api",)
    assert graph.direct_dependencies("web") == ("api",)


def test_names_that_are_no_service_must_be_left_out() -> None:
    """A dependency that a profile disables is no node."""
    assert DependencyGraph({"web": ["debug"]}).order() == ("web",)


@pytest.mark.parametrize(
    ("dependencies", "path"),
    [
        ({"a": ["b"], "b": ["a"]}, "a -> b -> a"),
        ({"x": ["c"], "c": ["b"], "b": ["a"], "a": ["c"]}, "c -> b -> a -> c"),
        ({"a": ["a"]}, "a -> a"),
    ],
)
def test_a_cycle_must_be_named_with_its_path(dependencies: dict[str, list[str]], path: str) -> None:
    """The user sees which services form the circle, and no others."""
    with pytest.raises(CircularDependency) as caught:
        DependencyGraph(dependencies)
    assert caught.value.message == f"dependency cycle detected: {path}"
    assert caught.value.exit_code == EXIT_BAD_MODEL
