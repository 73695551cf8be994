"""What the provider must remember, in SQLite: its consumer, the tokens and the nonces.

It knows neither HTTP nor signatures.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal, NamedTuple

State = Literal["issued", "authorized", "denied", "used"]

_FORMAT = 2
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS consumer (
    id INTEGER PRIMARY KEY CHECK (id = 1), key TEXT NOT NULL, secret TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS request_token (
    key TEXT PRIMARY KEY, secret TEXT NOT NULL, consumer_key TEXT NOT NULL,
    callback TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'issued', verifier TEXT
);
CREATE TABLE IF NOT EXISTS access_token (
    key TEXT PRIMARY KEY, secret TEXT NOT NULL, consumer_key TEXT NOT NULL,
    revoked INTEGER NOT NULL DEFAULT FALSE
);
CREATE TABLE IF NOT EXISTS nonce (
    timestamp INTEGER, consumer_key TEXT, token TEXT, nonce TEXT,
    PRIMARY KEY (timestamp, consumer_key, token, nonce)
) WITHOUT ROWID;
PRAGMA user_version = {_FORMAT};
"""
_TABLES = {"consumer", "request_token", "access_token", "nonce"}
_PRUNE_EVERY = 1000  # nonces


class RequestToken(NamedTuple):
    """Temporary credentials (RFC 5849 section 2.1) and how far the user has got with them."""

    key: str
    secret: str
    consumer_key: str
    callback: str
    state: State
    verifier: str | None


class AccessToken(NamedTuple):
    """Token credentials (RFC 5849 section 2.3), and whether they were taken back."""

    key: str
    secret: str
    consumer_key: str
    revoked: bool = False


class Nonce(NamedTuple):
    """What may be used once only (RFC 5849 section 3.3); ``token`` is "" without one."""

    timestamp: int
    consumer_key: str
    token: str
    nonce: str


class Store:
    """One SQLite connection behind one lock: each method is atomic, from any thread.

    Without a path the database lives in memory and dies with the store. A new file is readable by
    its owner only. Raises ValueError for a file that is something else.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._lock = threading.Lock()
        self._nonces_added = 0
        name = ":memory:" if path is None else os.fspath(path)
        if name != ":memory:":
            os.close(os.open(name, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            self._connection = sqlite3.connect(
                name, timeout=30, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise ValueError(f"{name} can't be opened as a database: {error}") from error
        try:
            self._open(name)
        except BaseException:
            self._connection.close()
            raise

    def _open(self, name: str) -> None:
        try:
            # In one statement: another sandbox may be making its tables in the same file.
            found = self._connection.execute(
                "SELECT user_version, name FROM pragma_user_version"
                " LEFT JOIN sqlite_master ON type = 'table' AND name NOT LIKE 'sqlite%'"
            ).fetchall()
            new = found == [(0, None)]
            if not new and {*found} != {(_FORMAT, table) for table in _TABLES}:
                raise ValueError(f"{name} is not a database of this version of the sandbox")
            # WAL with NORMAL waits for the disk only at checkpoints; a crash of the process loses
            # nothing, and nothing of a sandbox is worth waiting for against a power cut. SQLite
            # doesn't wait here while another one starts on the file; until the next start it is
            # then as good without WAL, only slower.
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            if new:
                self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            for table in _TABLES:  # damage is known before it hurts
                self._connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{name} is not a database of the sandbox: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Closes the database; idempotent."""
        with self._lock:
            self._connection.close()

    def consumer(self, key: str, secret: str) -> tuple[str, str]:
        """Gives the consumer's key and secret; a new database gets these."""
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO consumer VALUES (1, ?, ?)", (key, secret)
            )
            row: tuple[str, str] = self._connection.execute(
                "SELECT key, secret FROM consumer"
            ).fetchone()
        return row

    def set_consumer(self, key: str, secret: str) -> None:
        """Makes this the provider's only consumer."""
        with self._lock:
            self._connection.execute("REPLACE INTO consumer VALUES (1, ?, ?)", (key, secret))

    def add_request_token(self, token: RequestToken) -> None:
        """Keeps new temporary credentials."""
        with self._lock:
            self._connection.execute("INSERT INTO request_token VALUES (?, ?, ?, ?, ?, ?)", token)

    def request_token(self, key: str) -> RequestToken | None:
        """Gives the request token of this key, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT * FROM request_token WHERE key = ?", (key,)
            ).fetchone()
        return row and RequestToken(*row)

    def decide(self, key: str, state: State, verifier: str | None = None) -> None:
        """Writes the user's answer to a request token, unless there was an answer already."""
        with self._lock:
            self._connection.execute(
                "UPDATE request_token SET state = ?, verifier = ?"
                " WHERE key = ? AND state = 'issued'",
                (state, verifier, key),
            )

    def exchange(self, request_token: str, token: AccessToken) -> bool:
        """Trades an authorized request token for an access token; False if it was not to be had."""
        with self._transaction() as connection:
            cursor = connection.execute(
                "UPDATE request_token SET state = 'used' WHERE key = ? AND state = 'authorized'",
                (request_token,),
            )
            if cursor.rowcount != 1:
                return False
            connection.execute("INSERT INTO access_token VALUES (?, ?, ?, ?)", token)
        return True

    def add_access_token(self, token: AccessToken) -> None:
        """Keeps new token credentials that no exchange has led to."""
        with self._lock:
            self._connection.execute("INSERT INTO access_token VALUES (?, ?, ?, ?)", token)

    def revoke(self, key: str) -> bool:
        """Takes an access token back; False if there is none of this key."""
        with self._lock:
            cursor = self._connection.execute(
                "UPDATE access_token SET revoked = TRUE WHERE key = ?", (key,)
            )
        return cursor.rowcount == 1

    def access_token(self, key: str) -> AccessToken | None:
        """Gives the access token of this key, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT * FROM access_token WHERE key = ?", (key,)
            ).fetchone()
        return row and AccessToken(*row)

    def has_nonce(self, nonce: Nonce) -> bool:
        """Tells whether this nonce was used."""
        with self._lock:
            row = self._connection.execute(
                "SELECT 1 FROM nonce"
                " WHERE timestamp = ? AND consumer_key = ? AND token = ? AND nonce = ?",
                nonce,
            ).fetchone()
        return row is not None

    def use_nonce(self, nonce: Nonce, lifetime: int) -> bool:
        """Writes down that this nonce is used; False if it was. The primary key makes it atomic.

        Now and then those older than ``lifetime`` seconds go: their timestamp alone is refused.
        """
        with self._lock:
            cursor = self._connection.execute(
                "INSERT OR IGNORE INTO nonce VALUES (?, ?, ?, ?)", nonce
            )
            self._nonces_added += 1
            if self._nonces_added % _PRUNE_EVERY == 0:
                oldest = int(time.time()) - lifetime - 1
                self._connection.execute("DELETE FROM nonce WHERE timestamp < ?", (oldest,))
        return cursor.rowcount == 1
