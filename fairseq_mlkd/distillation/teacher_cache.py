"""A file of a teacher's signals: one row a sequence, safe to fill and read at once."""

import fcntl
import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from fairseq_mlkd.remedies import OTHER_FOLDER

FILE = "teacher.sqlite"
_FORMAT = {"format of the file": 2}
_BUSY_SECONDS = 120
_SHORT = 40  # what is longer, such as a sha256, is not worth printing

# the last three: a fact that is no JSON
_DAMAGE = (sqlite3.Error, OSError, TypeError, ValueError, RecursionError)

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS signals (key BLOB PRIMARY KEY, check_sum INTEGER "
    "NOT NULL, bytes BLOB NOT NULL)",
)


class TeacherCache:
    """Bytes by key, with facts that say what they are.

    Each call of `add` is one transaction: a process that is killed leaves all of its
    rows or none. Several processes of one machine may share the file; of two that add
    the same key, the first one's bytes stay.

    Args:
        folder: is created where it is missing; holds the file `FILE`.
    Raises:
        ValueError: here and below, in one line: the file is damaged, is no cache, or
            cannot be written.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        with self._user_errors():
            os.makedirs(folder, exist_ok=True)
            # processes that create the file at once: SQLite does not have one wait
            # for another's change of the journal mode
            with open(os.path.join(folder, "lock"), "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._file = self._open()
        self.check(_FORMAT)

    def _open(self) -> sqlite3.Connection:
        path = os.path.join(self.folder, FILE)
        file = sqlite3.connect(path, timeout=_BUSY_SECONDS)
        file.execute("PRAGMA page_size = 32768")
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        with file:
            for statement in _SCHEMA:
                file.execute(statement)
        return file

    # --- facts

    def recall(self, name: str) -> Any | None:
        """Return the value of a fact, which is not null; None where it is unknown."""
        with self._user_errors():
            query = "SELECT value FROM facts WHERE name = ?"
            row = self._file.execute(query, (name,)).fetchone()
            return None if row is None else json.loads(row[0])

    def remember(self, facts: Mapping[str, Any]) -> None:
        """Add facts, values that JSON can hold, unless their names are known."""
        rows = [(name, json.dumps(value)) for name, value in facts.items()]
        with self._user_errors(), self._file:
            self._file.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?)", rows)

    def check(self, facts: Mapping[str, Any]) -> None:
        """Compare facts with those of the file, which learns those it does not know.

        Raises:
            ValueError: one differs; the message names it.
        """
        self._compare(facts)
        self.remember(facts)
        self._compare(facts)  # another process may have been first

    def _compare(self, facts: Mapping[str, Any]) -> None:
        for name, ours in facts.items():
            theirs = self.recall(name)
            if theirs is None or theirs == ours:
                continue
            values = ""
            if max(len(str(theirs)), len(str(ours))) <= _SHORT:
                values = f" ({theirs} there, {ours} here)"
            raise ValueError(
                f"--teacher-cache {self.folder} was filled with another {name}{values}"
                f": {OTHER_FOLDER}"
            )

    # --- signals

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the bytes of those keys that are there."""
        found = {}
        query = "SELECT check_sum, bytes FROM signals WHERE key = ?"
        with self._user_errors():
            for key in keys:
                row = self._file.execute(query, (key,)).fetchone()
                if row is None:
                    continue
                if not isinstance(row[1], bytes) or zlib.crc32(row[1]) != row[0]:
                    raise sqlite3.DatabaseError("a row is damaged")
                found[key] = row[1]
        return found

    def add(self, keys: Sequence[bytes], signals: Sequence[bytes]) -> None:
        """Add bytes by key; keys that are there keep theirs."""
        rows = [(key, zlib.crc32(x), x) for key, x in zip(keys, signals)]
        with self._user_errors(), self._file:
            self._file.executemany(
                "INSERT OR IGNORE INTO signals VALUES (?, ?, ?)", rows
            )

    def __len__(self) -> int:
        with self._user_errors():
            query = "SELECT COUNT(*) FROM signals"
            return int(self._file.execute(query).fetchone()[0])

    @contextmanager
    def _user_errors(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            damaged = not isinstance(error, OSError)
            remedy = f"delete {FILE} in it if it is damaged, or " if damaged else ""
            raise ValueError(
                f"--teacher-cache {self.folder}: {error}: {remedy}{OTHER_FOLDER}"
            ) from None
