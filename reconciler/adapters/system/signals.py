"""What signals do to us. A signal that was ignored when we started stays ignored.

So shells and ``nohup`` ask for it: ``nohup`` ignores SIGHUP, and a script that starts a command in
the background ignores SIGINT, because Ctrl-C is meant for what runs in the foreground."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Never

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def handling(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """Inside, ``handler`` gets those of the signals that are not ignored. In a thread nothing
    changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    heard = {number: then for number, then in before.items() if then is not signal.SIG_IGN}
    try:
        for number in heard:
            signal.signal(number, handler)
        yield
    finally:
        for number, then in heard.items():
            with suppress(TypeError):  # a handler that was not set from Python cannot be put back
                signal.signal(number, then)


def heeds_interrupts() -> bool:
    """Whether Ctrl-C reaches us: it does not in the background of a script."""
    return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP unwind the stack as SIGINT does, so that servers are stopped on
    the way out."""
    with handling(_leave, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def holding_signals() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP that arrive inside count at its end: a program that is just being
    started is in our hands first. (One that interrupts ``Popen`` itself would leave it running,
    unknown to us.)"""
    held: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    try:
        with handling(lambda number, _frame: held.append(number), *numbers):
            yield
    finally:
        for number in held:
            signal.raise_signal(number)


def _leave(number: int, _frame: FrameType | None) -> Never:
    raise SystemExit(128 + number)
