"""The cache by itself: what it keeps, for how long, and what of it counts after a power cut."""

import sqlite3

import pytest

from runtime.build.cache import BuildCache, key_of
from runtime.image.layers import LayerStore
from runtime.paths import Paths
from runtime.state import builds as rows
from runtime.state.database import Database
from schemas.engine.identifiers import DiffID
from tests.integration.build.stages import Builds, run

ONE, TWO = (DiffID(f"sha256:{digit * 64}") for digit in "12")


def test_what_was_of_no_use_for_longest_must_go_first(builds: Builds):
    """The disk is not filled by builds of last year."""
    for name in ("a", "b", "c"):
        builds.build(run(f"head -c 1000 /dev/zero > /{name}"))
    with builds.database.transaction() as connection:
        # Two hours ago: uses are told to the hour.
        connection.execute("UPDATE build_steps SET used_ns = used_ns - ?", (7200 * 10**9,))
    builds.build(run("head -c 1000 /dev/zero > /a"))
    BuildCache(builds.database, LayerStore(builds.images.blobs)).trim(2500)
    assert builds.build(run("head -c 1000 /dev/zero > /a")).cached() == [True]
    assert builds.build(run("head -c 1000 /dev/zero > /c")).cached() == [True]
    assert builds.build(run("head -c 1000 /dev/zero > /b")).cached() == [False]


def test_a_layer_that_may_not_be_on_the_disk_must_not_count_after_a_power_cut(builds: Builds, database: Database):
    """A step that was remembered before its layer was synced, in another boot."""
    built = builds.build(run("echo x > /x"))
    with database.transaction() as connection:
        connection.execute("UPDATE build_steps SET boot_id = 'another'")
    assert builds.build(run("echo x > /x")).cached() == [False]
    assert rows.find_steps(database.read(), "no such key", "", []) == []
    assert len(built.layers) == 2


def test_a_key_must_hang_on_the_content_below_not_on_names():
    """Two images of other names and the same layers are the same; the order of layers counts."""
    assert key_of("run", [ONE, TWO], ["x"]) == key_of("run", (ONE, TWO), ["x"])
    keys = {key_of("run", on, what) for on in ([ONE], [TWO], [ONE, TWO], [TWO, ONE], []) for what in (["x"], ["y"])}
    assert len(keys) == 10


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_state_of_an_earlier_version_must_be_brought_to_this_one(paths: Paths, version: int):
    """With all that is in it but what builds remember; nobody has to begin anew."""
    Database(paths.database).close()
    old = Database(paths.database)
    with old.transaction() as connection:
        connection.execute("INSERT INTO volumes (name, project, spec, created_ns) VALUES ('v', 'p', '{}', 1)")
        for table in ("build_steps", "build_blobs", "build_notes", "build_files", *(("plans",) if version < 3 else ())):
            connection.execute(f"DROP TABLE {table}")
        if version > 1:
            connection.execute("CREATE TABLE build_steps (key TEXT PRIMARY KEY, diff_id TEXT NOT NULL) STRICT")
        connection.execute(f"PRAGMA user_version={version}")
    old.close()
    again = Database(paths.database)
    assert again.read().execute("SELECT name FROM volumes").fetchall() == [("v",)]
    with again.transaction() as connection:
        rows.insert_step(connection, rows.StepRow("key", ONE, 5, 7), "")
    again.close()
    with sqlite3.connect(paths.database) as connection:
        assert connection.execute("SELECT diff_id, made_ns FROM build_steps").fetchall() == [(ONE, 7)]
    connection.close()
