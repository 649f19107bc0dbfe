"""As much of AMQP 0-9-1 as it takes to look into a queue and to empty it."""

from __future__ import annotations

import socket
import struct
from typing import List, Optional, Tuple
from urllib.parse import unquote, urlsplit

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
END = b"\xce"
CHANNEL = 1

START, START_OK, TUNE, TUNE_OK, OPEN, OPEN_OK = (10, 10), (10, 11), (10, 30), (10, 31), (10, 40), (10, 41)
CONNECTION_CLOSE = (10, 50)
CHANNEL_OPEN, CHANNEL_OPEN_OK, CHANNEL_CLOSE, CHANNEL_CLOSE_OK = (20, 10), (20, 11), (20, 40), (20, 41)
DECLARE, DECLARE_OK, PURGE, PURGE_OK, DELETE, DELETE_OK = (50, 10), (50, 11), (50, 30), (50, 31), (50, 40), (50, 41)
GET, GET_OK, GET_EMPTY = (60, 70), (60, 71), (60, 72)
PASSIVE, NO_ACK = b"\x01", b"\x01"


class NoQueue(Exception):
    """There is no such queue."""


def short(text: str) -> bytes:
    """Return a short string as AMQP writes it."""
    data = text.encode()
    return bytes([len(data)]) + data


def long(data: bytes) -> bytes:
    """Return a long string as AMQP writes it."""
    return struct.pack(">I", len(data)) + data


class Amqp:
    """A connection with one channel, for one thread. Every answer is waited for, so that what it says is exact."""

    def __init__(self, url: str, timeout: float = 30) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5672), timeout)
        self._unread = b""
        self._socket.sendall(b"AMQP\x00\x00\x09\x01")
        self._expect(0, START)
        login = f"\0{unquote(parts.username or 'guest')}\0{unquote(parts.password or 'guest')}".encode()
        self._send(0, START_OK, long(b"") + short("PLAIN") + long(login) + short("en_US"))
        self._expect(0, TUNE)
        # One channel, frames of 128 KiB, and no heartbeat: a frozen broker is to be met again.
        self._send(0, TUNE_OK, struct.pack(">HIH", 1, 131072, 0))
        self._send(0, OPEN, short(unquote(parts.path[1:]) or "/") + b"\0\0")
        self._expect(0, OPEN_OK)
        self._open_channel()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ready(self, queue: str) -> int:
        """Return how many messages wait in a queue, by a passive declare."""
        answer = self._call(DECLARE, b"\0\0" + short(queue) + PASSIVE + long(b""), DECLARE_OK)
        return int(struct.unpack_from(">I", answer, 1 + answer[0])[0])

    def purge(self, queue: str) -> int:
        """Empty a queue; return how many messages were in it."""
        return int(struct.unpack(">I", self._call(PURGE, b"\0\0" + short(queue) + b"\0", PURGE_OK))[0])

    def delete(self, queue: str) -> None:
        """Delete a queue, if it is there."""
        try:
            self._call(DELETE, b"\0\0" + short(queue) + b"\0", DELETE_OK)
        except NoQueue:
            pass

    def take(self, queue: str) -> Optional[bytes]:
        """Take one message out; return its properties and body as they came, or None when there is none."""
        self._send(CHANNEL, GET, b"\0\0" + short(queue) + NO_ACK)
        method, _ = self._method(CHANNEL)
        if method == GET_EMPTY:
            return None
        assert method == GET_OK, method
        kind, _, message = self._frame()
        assert kind == HEADER, kind
        size = struct.unpack_from(">Q", message, 4)[0]
        while size > 0:
            kind, _, part = self._frame()
            assert kind == BODY, kind
            message += part
            size -= len(part)
        return message

    def _open_channel(self) -> None:
        self._send(CHANNEL, CHANNEL_OPEN, short(""))
        self._expect(CHANNEL, CHANNEL_OPEN_OK)

    def _call(self, method: Tuple[int, int], arguments: bytes, answer: Tuple[int, int]) -> bytes:
        self._send(CHANNEL, method, arguments)
        return self._expect(CHANNEL, answer)

    def _send(self, channel: int, method: Tuple[int, int], arguments: bytes) -> None:
        payload = struct.pack(">HH", *method) + arguments
        self._socket.sendall(struct.pack(">BHI", METHOD, channel, len(payload)) + payload + END)

    def _expect(self, channel: int, wanted: Tuple[int, int]) -> bytes:
        method, arguments = self._method(channel)
        if method == CHANNEL_CLOSE and arguments[:2] == struct.pack(">H", 404):
            self._send(CHANNEL, CHANNEL_CLOSE_OK, b"")
            self._open_channel()
            raise NoQueue(arguments[3 : 3 + arguments[2]].decode())
        if method != wanted:
            raise RuntimeError(f"the broker sent {method} in place of {wanted}: {arguments!r}")
        return arguments

    def _method(self, channel: int) -> Tuple[Tuple[int, int], bytes]:
        kind, on, payload = self._frame()
        if kind != METHOD or on not in (0, channel):
            raise RuntimeError(f"the broker sent a frame of type {kind} on channel {on}")
        first, second = struct.unpack_from(">HH", payload)
        return (first, second), payload[4:]

    def _frame(self) -> Tuple[int, int, bytes]:
        while True:
            kind, channel, size = struct.unpack(">BHI", self._read(7))
            payload = self._read(size + 1)[:-1]
            if kind != HEARTBEAT:
                return kind, channel, payload

    def _read(self, size: int) -> bytes:
        while len(self._unread) < size:
            got = self._socket.recv(1 << 18)
            if not got:
                raise ConnectionError("the broker hung up")
            self._unread += got
        found, self._unread = self._unread[:size], self._unread[size:]
        return found


def everything(broker: Amqp, queue: str) -> List[bytes]:
    """Take all messages out of a queue."""
    found: List[bytes] = []
    while True:
        message = broker.take(queue)
        if message is None:
            return found
        found.append(message)
