"""What the server does to versions by itself: mounts that keep too few, settings that delete them
after a while."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.domain.kinds.actions import NEW_VERSIONS, ActionKind
from reconciler.domain.live.observed import MountSettings, Observed
from reconciler.domain.live.record import USABLE, ClientRecord, Series
from reconciler.domain.plan.plan import Action
from reconciler.domain.values.canonical import iso
from reconciler.errors import NOWHERE, Finding, Level
from reconciler.planning.guards.situation import Block, Situation

# Not a word of a waiver: a version that ended cannot be brought back.
KEEPING = "keeping"
BOOTSTRAP = "run reconciler bootstrap, which restores them"


def keeping(situation: Situation) -> Iterable[Block]:
    """No version is made that the server would end, or that would have it end another one in
    use."""
    observed = situation.observed
    registry, secrets = observed.registry_mount, observed.secrets_mount
    if registry is not None and registry.deletes and any(map(is_change, situation.actions)):
        yield Block(
            KEEPING,
            "RC314",
            None,
            f"the mount {registry.mount}/ deletes every document {registry.deletes} after it was"
            " written: the record of every client that is written now would be lost",
            BOOTSTRAP,
        )
    new = situation.of_kind(*NEW_VERSIONS)
    if new and secrets is not None and secrets.deletes:
        yield Block(
            KEEPING,
            "RC313",
            None,
            f"the mount {secrets.mount}/ deletes every version {secrets.deletes} after it was"
            " written: nothing is issued or rotated",
            BOOTSTRAP,
        )
    for action in new:
        yield from _check_end(action, situation, secrets)


def is_change(action: Action) -> bool:
    return action.kind is not ActionKind.NO_OP


def _check_end(
    action: Action, situation: Situation, mount: MountSettings | None
) -> Iterator[Block]:
    record = situation.record_of(action.client)
    if record is None:
        return
    kind, item = action.credential, str(action.item)
    series, path = record.series_of(kind, item), record.secret_path(kind, item)
    info = situation.observed.secrets.get(path)
    if info is not None and info.deletes and path not in _reset(action.client, situation):
        yield Block(
            KEEPING,
            "RC313",
            action.client,
            f"{path} was set by hand to delete every version {info.deletes} after it was written",
            "run reconciler apply, which resets it, then the same command again",
            address=action.address,
        )
    number = int(str((action.after or {}).get("version", series.last + 1)))
    ended = [
        one
        for one in _list_kept(action, series, situation)
        if mount and one <= number - mount.keeps
    ]
    if ended and mount is not None:
        told = " and ".join(map(str, ended))
        yield Block(
            KEEPING,
            "RC313",
            action.client,
            f"the mount {mount.mount}/ keeps {mount.keeps} version{'s' * (mount.keeps > 1)} of a"
            f" path: version {number} of {path} would end version {told}, which is in use",
            BOOTSTRAP,
            address=action.address,
        )


def _reset(client: str, situation: Situation) -> set[str]:
    """The paths whose settings the plan resets before it writes to them."""
    resets = (
        (one.after or {}).get("reset", ()) for one in situation.actions if one.client == client
    )
    return {str(path) for paths in resets if isinstance(paths, list) for path in paths}


def _list_kept(action: Action, series: Series, situation: Situation) -> list[int]:
    """The usable versions of a series that the plan does not end anyway."""
    ended = {
        one.version
        for one in situation.actions
        if one.address == action.address and one.version is not None
    }
    return [one.number for one in series.in_state(*USABLE) if one.number not in ended]


def keeping_findings(observed: Observed) -> Iterator[Finding]:
    """Settings of a mount that are not ours, and what the server will delete because of them."""
    for mount in (observed.registry_mount, observed.secrets_mount):
        if mount is not None and mount.edited:
            yield Finding(
                "RC312",
                Level.WARNING,
                f"settings of the mount {mount.mount}/ were changed by hand:"
                f" {'; '.join(mount.edited)}",
                NOWHERE,
                BOOTSTRAP,
            )
    for document, at in sorted(observed.ending.items()):
        yield Finding(
            "RC315",
            Level.WARNING,
            f"{document} of the registry will be deleted by the server at {iso(at)}",
            NOWHERE,
            "run reconciler bootstrap, which has it kept",
        )
    for _, record in sorted(observed.records.items()):
        yield from _ending_versions(record, observed)


def _ending_versions(record: ClientRecord, observed: Observed) -> Iterator[Finding]:
    for kind, item, series in record.all_series():
        path = record.secret_path(kind, item)
        info = observed.secrets.get(path)
        for version in series.in_state(*USABLE) if info is not None and info.ends else ():
            at = info.ends.get(version.number) if info is not None else None
            if at is not None and at < (version.grace_until or version.expires_at):
                yield Finding(
                    "RC315",
                    Level.WARNING,
                    f"version {version.number} of {path} is in use and will be deleted by the"
                    f" server at {iso(at)}",
                    kind.address(record.name, item),
                    "run reconciler bootstrap, which has it kept",
                )
