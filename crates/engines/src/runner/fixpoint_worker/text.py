"""Texts and paths as reports hold them, and how long they may be."""
import os

MESSAGE = 2048
CAPTURED = 4096
LINE = 1 << 20


def within(root, path):
    """The path relative to the root, with slashes, or None when it lies elsewhere."""
    if path.startswith("<"):
        return None
    path = os.path.abspath(path)
    if path.startswith(root + os.sep):
        return path[len(root) + 1:].replace(os.sep, "/")
    return None


def tail_of(path):
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - CAPTURED))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def words(error):
    """The text of an exception, whatever its `__str__` does."""
    try:
        return str(error)
    except Exception:
        return "<its text cannot be read>"


def clip(text, limit, from_end=False):
    text = str(text).encode("utf-8", "replace")
    if len(text) > limit:
        text = text[-limit:] if from_end else text[:limit]
    return text.decode("utf-8", "replace")


def result(test, outcome, seconds, exception=None, message=None, frames=None, captured="", name=None):
    return {
        "e": "test",
        "id": test,
        "outcome": outcome,
        "seconds": max(0.0, seconds),
        "exception": exception,
        "message": None if message is None else clip(message, MESSAGE),
        "frames": frames or [],
        "captured": clip(captured, CAPTURED, from_end=True),
        "name": name,
    }


def temporary():
    return os.environ.get("TMPDIR") or "/tmp"
