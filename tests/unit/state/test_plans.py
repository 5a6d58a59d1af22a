"""Plans are kept for a while, and never without bound."""

from pathlib import Path

from runtime.state import plans
from runtime.state.database import Database


def test_the_newest_plans_must_be_kept_and_no_others(tmp_path: Path) -> None:
    """A hundred ways of asking; one that is asked again counts as new."""
    database = Database(tmp_path / "state.db")
    with database.transaction() as connection:
        plans.keep(connection, "first", "1")
        for number in range(99):
            plans.keep(connection, f"key {number}", "text")
        plans.keep(connection, "first", "2")
        plans.keep(connection, "last", "3")
    found = database.read()
    assert plans.find(found, "first") == "2"
    assert plans.find(found, "last") == "3"
    assert plans.find(found, "key 0") is None
    assert plans.find(found, "key 1") == "text"
    database.close()


def test_a_huge_plan_must_not_be_kept(tmp_path: Path) -> None:
    """Loading the project again is cheaper than reading it."""
    database = Database(tmp_path / "state.db")
    with database.transaction() as connection:
        plans.keep(connection, "huge", "x" * ((1 << 20) + 1))
    assert plans.find(database.read(), "huge") is None
    database.close()
