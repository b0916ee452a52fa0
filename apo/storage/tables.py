"""The tables of a journal, and the statements that write and read them."""

VERSION = 2
"""Of the tables and of the keys: a journal of another version would have all calls paid again."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY, role TEXT, model TEXT, request TEXT, reply TEXT, error TEXT,
    input_tokens INTEGER, output_tokens INTEGER, cached_tokens INTEGER,
    truncated INTEGER, retries INTEGER, seconds REAL, at REAL, crc INTEGER,
    reused INTEGER DEFAULT 0, thinking TEXT DEFAULT '', thinking_tokens INTEGER DEFAULT 0,
    served TEXT DEFAULT '', waited REAL, bound INTEGER, logprob REAL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, kind TEXT, key TEXT, body TEXT, crc INTEGER, UNIQUE (kind, key)
);
CREATE TABLE IF NOT EXISTS sessions (id INTEGER PRIMARY KEY, start REAL, last REAL);
"""

LATER = {
    "thinking": "TEXT DEFAULT ''",
    "thinking_tokens": "INTEGER DEFAULT 0",
    "served": "TEXT DEFAULT ''",
    "waited": "REAL",
    "bound": "INTEGER",
    "logprob": "REAL",
}
"""Columns of `calls` that came later: journals without them get them when they are opened."""

FIND = """
SELECT calls.key, role, model, request, reply, error, input_tokens, output_tokens, cached_tokens,
    truncated, retries, seconds, reused, thinking, thinking_tokens, at, served,
    waited, bound, logprob
FROM json_each(?) AS asked JOIN main.calls AS calls ON calls.key = asked.value
"""

ALL_CALLS = """
SELECT crc, key, model, reply, error, input_tokens, output_tokens, cached_tokens FROM calls
"""

ALL_EVENTS = "SELECT crc, kind, key, body FROM events"

ADD = """
INSERT OR IGNORE INTO main.calls (key, role, model, request, reply, error, input_tokens,
    output_tokens, cached_tokens, truncated, retries, seconds, at, crc, thinking, thinking_tokens,
    served, waited, bound, logprob)
VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
"""

REPLACE = ADD.replace("INSERT OR IGNORE", "INSERT OR REPLACE")

REUSE = """
INSERT OR IGNORE INTO main.calls (key, role, model, request, reply, error, input_tokens,
    output_tokens, cached_tokens, truncated, retries, seconds, at, crc, thinking, thinking_tokens,
    served, waited, bound, logprob, reused)
SELECT key, role, model, request, reply, error, input_tokens, output_tokens, cached_tokens,
    truncated, retries, seconds, at, crc, thinking, thinking_tokens, served, waited,
    bound, logprob, 1
FROM shared.calls WHERE key IN (SELECT value FROM json_each(?))
"""

LEAVE = """
INSERT OR IGNORE INTO shared.calls (key, role, model, request, reply, error, input_tokens,
    output_tokens, cached_tokens, truncated, retries, seconds, at, crc, thinking, thinking_tokens,
    served, waited, bound, logprob, reused)
SELECT key, role, model, request, reply, error, input_tokens, output_tokens, cached_tokens,
    truncated, retries, seconds, at, crc, thinking, thinking_tokens, served, waited,
    bound, logprob, reused
FROM main.calls WHERE error = '' AND role != 'fallback'
"""
