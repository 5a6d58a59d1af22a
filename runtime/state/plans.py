"""What commands decided, kept under a digest of the question: the same question need not be decided twice.

A plan is what follows from its key and from what its text says was looked at; it is never needed. So only the newest
are kept, and none that is huge.
"""

import sqlite3

_MOST = 100
_MOST_CHARACTERS = 1 << 20


def find(connection: sqlite3.Connection, key: str) -> str | None:
    """Return the text that was kept under a key."""
    row = connection.execute("SELECT text FROM plans WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def keep(connection: sqlite3.Connection, key: str, text: str) -> None:
    """Keep a text, in place of an earlier one; of too many the oldest are forgotten."""
    if len(text) > _MOST_CHARACTERS:
        return
    connection.execute("INSERT OR REPLACE INTO plans (key, text) VALUES (?, ?)", (key, text))
    connection.execute(
        "DELETE FROM plans WHERE rowid IN (SELECT rowid FROM plans ORDER BY rowid DESC LIMIT -1 OFFSET ?)", (_MOST,)
    )
