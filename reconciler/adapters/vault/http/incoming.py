"""An answer as it arrives: read by ``httptools``, with limits of our own."""

from __future__ import annotations

import httptools

from reconciler.adapters.vault.http.exchanged import Lost, Reply

# What may come before the body: status line, headers, and interim answers (1xx).
HEAD_CAP = 64 * 1024
_NO_HTTP = "the answer is not HTTP: another program than Vault listens there"
_WITHOUT_BODY = (204, 304)


class Incoming:
    """What has arrived of the answer to one request. ``cap``: how long its body may be, in bytes.

    ``headless``: the answer has no body, whatever its headers say (to HEAD). The parser calls its
    ``on_…`` methods.
    """

    def __init__(self, cap: int, *, headless: bool = False) -> None:
        self.complete = False
        self.begun = False  # whether one byte has arrived
        self._cap = cap
        self._headless = headless
        self._head = 0  # bytes before the body, at least
        self._status = 0  # of the final answer, once its headers are there
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._measured = False  # whether the answer itself says where its body ends
        self._last = False  # whether nothing may follow on this connection
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    @property
    def leaves_connection(self) -> bool:
        """Whether the next request may take the same way."""
        return self.complete and not self._last

    def feed(self, data: bytes) -> Lost | None:
        """Take in what came, nothing when the stream ended; what is wrong with the answer."""
        if not data:
            return self._end()
        begun, self.begun = self.begun, True
        assert self._parser is not None  # until the reply is taken
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._last = True
            if self.complete:  # whatever came behind it
                return None
            if not begun and not data.startswith(b"HTTP/"[: len(data)]):
                return Lost(_NO_HTTP)
            return Lost("the answer is malformed HTTP", lasting=True)
        if not self._status:
            self._head += len(data)
            if self._head > HEAD_CAP:
                return Lost(f"the headers are larger than {HEAD_CAP} bytes", lasting=True)
        if len(self._body) > self._cap:
            return Lost(f"the answer is larger than {self._cap} bytes", lasting=True)
        return None

    def take_reply(self) -> Reply:
        """The answer, once it is complete."""
        self._parser = None  # they know each other, and nobody else shall have to part them
        return Reply(self._status, self._headers, bytes(self._body))

    def _end(self) -> Lost | None:
        if not self._status:
            return Lost("the connection was cut")
        if self._measured:
            return Lost("the answer was cut")
        self.complete = self._last = True
        return None

    def on_message_begin(self) -> None:
        self._last = self._last or self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._status:  # a trailer, or of what comes behind the answer
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        if self._status:
            return
        assert self._parser is not None
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._headers = {}
            return
        self._status = status
        coding = self._headers.get("transfer-encoding", "").lower()
        self._measured = (
            status in _WITHOUT_BODY or "content-length" in self._headers or "chunked" in coding
        )
        closes = "close" in self._headers.get("connection", "").lower()
        self._last = closes or self._parser.get_http_version() != "1.1"
        if self._headless:
            self.complete = self._last = True

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self._body += body

    def on_message_complete(self) -> None:
        self.complete = self._status != 0
