"""A new log where the former one cannot go on, because its signing key is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.domain.live.log import LogHead, OpenRepair
from reconciler.engine.drive import Driver
from reconciler.engine.evidence.places import LogPlaces, make_origin
from reconciler.engine.evidence.repairing import (
    GitLog,
    Parting,
    end_log,
    follow_log,
    name_prefix,
)
from reconciler.engine.ports import StoredFiles
from reconciler.evidence.notes import VerifierKey
from reconciler.evidence.signatures import NOTE_ED25519
from reconciler.registry.protocol.log import has_key_in_force
from reconciler.registry.requests import LogKeys, ReadLogKeys
from reconciler.registry.steps import expect


def explain_end(driver: Driver, head: LogHead, log: GitLog | None) -> str | None:
    """Why the log cannot go on, as a sentence; None: it can. Raises ``VaultError``."""
    other = log is not None and log.origin != head.origin
    continued = follow_log(log) if log is not None and other else head
    keys = expect(driver.answer(ReadLogKeys()), LogKeys)
    if has_key_in_force(continued, keys):
        return None
    return f"version {continued.key} of its signing key is not in the transit engine any more"


def begin_anew(
    driver: Driver,
    head: LogHead,
    log: GitLog | None,
    parting: Parting,
    pending: Collection[str],
) -> LogHead:
    """The head of a log that follows the present ones; nothing is written. Those of ``pending``
    that have an entry need none in the new log. An empty log keeps its origin, so that the key that
    ``bootstrap`` printed stays the one to pin; not one that has entries in git, nor one that a
    repair has begun: its first entry may be signed by the key that is lost.

    Raises ``VaultError``.
    """
    place = head.origin.rpartition("/")[0]
    known = log is not None and log.find(head.origin) is not None
    begun = head.size or head.repair is not None or known
    origin = make_origin(place) if begun else head.origin
    keys = expect(driver.answer(ReadLogKeys()), LogKeys)
    key = max(keys.versions)
    again = _list_again(head, parting)
    runs = {one.run for one in again.again}
    entered = [run for run in head.runs if run in pending]
    return LogHead(
        origin=origin,
        key=key,
        verifiers={key: VerifierKey(origin, NOTE_ED25519, keys.versions[key]).text},
        runs=dict.fromkeys((run for run in entered if run not in runs), 0),
        prefix=name_prefix(origin),
        former=(*head.former, *_list_ended(head, log, parting)),
        repair=again,
        version=head.version,
    )


def _list_again(head: LogHead, parting: Parting) -> OpenRepair:
    """What is to be entered again: what a repair that did not finish has left, if there is one."""
    if head.repair is None:
        return OpenRepair(0, parting.own, head.prefix)
    left = tuple(one for one in head.repair.again if one.run not in head.runs)
    return OpenRepair(0, left, head.repair.prefix)


def _list_ended(head: LogHead, log: GitLog | None, parting: Parting) -> Iterator[LogHead]:
    """The logs that end here, the older one first."""
    ahead = log is None or (log.origin == head.origin and parting.common == len(log.claims))
    logs = [end_log(head, None if ahead else log)]
    if log is not None and log.origin != head.origin:
        logs.append(replace(follow_log(log), prefix=name_prefix(log.origin)))
    known = {former.origin for former in head.former}
    begun = [one for one in logs if one.closed_at is not None]
    for one in sorted(begun, key=_find_end):
        if one.origin not in known:
            yield replace(one, runs={})


def _find_end(head: LogHead) -> datetime:
    assert head.closed_at is not None  # it has entries
    return head.closed_at


def digest_former(
    head: LogHead,
    stored: StoredFiles,
    where: LogPlaces,
    pending: Collection[str],
) -> Mapping[str, str]:
    """What the first entry of a new log vouches for, by path, with the SHA-256: keys and checkpoint
    of the former logs; where it follows none, the reports in ``stored``, which are older than any
    log. What no entry of a former log vouches for stays so: whoever may push can put it there."""
    digests: dict[str, str] = {}
    for former in head.former:
        for path, text in where.archive(former.origin).derive(former).items():
            digests[str(path)] = hashlib.sha256(text.encode()).hexdigest()
    for name in () if head.former else sorted(stored.names(where.reports)):
        path = where.reports / name
        if "." in name and path.stem not in pending:
            content = stored.read([path])[0]
            if content is not None:
                digests[str(path)] = hashlib.sha256(content).hexdigest()
    return digests
