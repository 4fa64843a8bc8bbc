"""The body of an HTTP/1.1 request, by its length or in chunks (RFC 9112, sections 6 and 7), of
bounded size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BufferedIOBase

_LENGTH = re.compile(r"[0-9]{1,12}\Z")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n\Z")
_LINE = 1024
_TRAILERS = 50


class BodyError(Exception):
    """The body cannot be read; the text is a sentence of ours, ``status`` what to answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def read_body(stream: BufferedIOBase, headers: Mapping[str, str], limit: int) -> bytes:
    """All of it. No length and no chunks: no body.

    Raises ``BodyError``, and what ``stream`` raises.
    """
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if coding.strip().lower() != "chunked":
            raise BodyError(501, "the transfer encoding is not chunked")
        if length is not None:
            raise BodyError(400, "there are both content-length and transfer-encoding")
        return _chunks(stream, limit)
    if length is None:
        return b""
    if _LENGTH.match(length) is None:
        # A number that is too long to be one is too large, too.
        large = length.isascii() and length.isdigit()
        raise _too_large(limit) if large else BodyError(400, "content-length is not one number")
    if int(length) > limit:
        raise _too_large(limit)
    return _exactly(stream, int(length))


def _chunks(stream: BufferedIOBase, limit: int) -> bytes:
    body = bytearray()
    while True:
        match = _CHUNK.match(stream.readline(_LINE))
        if match is None:
            raise BodyError(400, "the body is not in chunks as it says")
        size = int(match[1], 16)
        if len(body) + size > limit:
            raise _too_large(limit)
        if size == 0:
            _skip_trailers(stream)
            return bytes(body)
        body += _exactly(stream, size)
        if stream.readline(3) not in (b"\r\n", b"\n"):
            raise BodyError(400, "a chunk of the body is longer than it says")


def _skip_trailers(stream: BufferedIOBase) -> None:
    for _ in range(_TRAILERS):
        if stream.readline(_LINE) in (b"\r\n", b"\n", b""):
            return
    raise BodyError(400, "the body has too many trailers")


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise BodyError(400, "the body is shorter than it says")
    return body


def _too_large(limit: int) -> BodyError:
    return BodyError(413, f"the body is larger than {limit // 1024} KiB")
