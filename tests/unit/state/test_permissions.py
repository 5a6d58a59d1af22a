"""Who may read the state: environments and secrets stand in it."""

import stat
from pathlib import Path

from runtime.state.database import Database


def test_nobody_else_must_read_the_state(tmp_path: Path):
    """Not even where the directory was made by somebody else, open to all."""
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    database = Database(folder / "state.db")
    with database.transaction() as connection:
        connection.execute("INSERT INTO memos (project, state, text) VALUES ('p', 's', 't')")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    database.close()
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}


def test_a_state_directory_that_pycompose_makes_must_be_closed_to_others(tmp_path: Path):
    """Files that containers write may be setuid (CVE-2021-41091)."""
    database = Database(tmp_path / "new" / "state.db")
    database.read()
    database.close()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) & 0o007 == 0
