"""The registry's ``meta`` document: whose registry this is, and of how many buckets."""

from __future__ import annotations

import json

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.live import Live
from reconciler.dataclass import dataclass
from reconciler.domain.values import canonical
from reconciler.errors import VaultDenied, VaultError
from reconciler.registry.requests import ReadDocument, StoredDocument

# A registry with an evidence log has another format: a version of this program that knows nothing
# of the log would report runs past it.
_WITHOUT_LOG, _WITH_LOG = 1, 2
BUCKETS = (16, 256, 4096)


@dataclass(frozen=True, slots=True)
class Meta:
    """``version`` is the KV version of the document that says so. ``logged``: the environment has
    an evidence log, as every one has that this version bootstrapped."""

    project: str
    environment: str
    buckets: int
    version: int
    logged: bool = True

    def text(self) -> str:
        """The document."""
        content = {
            "format": _WITH_LOG if self.logged else _WITHOUT_LOG,
            "project": self.project,
            "environment": self.environment,
            "buckets": self.buckets,
        }
        return canonical.dumps(content)


def read_meta(live: Live, project: str, environment: str) -> Meta:
    """What the registry says about itself.

    Raises ``VaultError``: RC408 nothing is mounted, RC409 not KV v2, RC410 not bootstrapped, RC411
    it belongs to another project or environment, or is of a format this version does not know.
    """
    document = read_meta_document(live)
    if document.text is None:
        kind = mount_kind(live, live.settings.registry_mount)
        if kind is not None and kind != "KV v2":
            raise errors.mount_wrong(
                live.settings.address, live.settings.registry_mount, kind, "KV v2"
            )
        raise VaultError(
            errors.NOT_BOOTSTRAPPED,
            f"the registry at {live.settings.registry_mount}/ of {live.settings.address} is not"
            " bootstrapped: it has no document `meta`",
            errors.with_path(
                live.settings.address,
                f"run `reconciler bootstrap -e {environment}` with an administrator's token",
            ),
        )
    return parse_meta(live, document, project, environment)


def existing_meta(live: Live, project: str, environment: str) -> Meta | None:
    """Like ``read_meta``, but None for an environment that was not bootstrapped yet."""
    try:
        return read_meta(live, project, environment)
    except VaultError as error:
        if error.code in (errors.NOT_BOOTSTRAPPED, errors.MOUNT_MISSING):
            return None
        raise


def read_meta_document(live: Live) -> StoredDocument:
    document = live.answer(ReadDocument("meta"))
    assert isinstance(document, StoredDocument)  # what ReadDocument is answered with
    return document


def parse_meta(
    live: Live,
    document: StoredDocument,
    project: str,
    environment: str,
) -> Meta:
    """Raises ``VaultError`` RC411 when the document is not ours."""
    try:
        found = json.loads(document.text or "")
    except ValueError:
        found = None
    if (
        not isinstance(found, dict)
        or found.get("format") not in (_WITHOUT_LOG, _WITH_LOG)
        or found.get("buckets") not in BUCKETS
    ):
        raise _foreign(
            live, "has a format that this version does not know", "use the version that wrote it"
        )
    if (found.get("project"), found.get("environment")) != (project, environment):
        owner, place = (
            errors.printable(str(found.get(name)), 80) for name in ("project", "environment")
        )
        raise _foreign(
            live,
            f"belongs to the environment {place} of the project {owner}, not to {environment} of"
            f" {project}",
            "set other vault.mounts (or another namespace) for this environment; nothing was"
            " changed",
        )
    logged = found["format"] == _WITH_LOG
    return Meta(project, environment, found["buckets"], document.version, logged)


def mount_kind(live: Live, mount: str) -> str | None:
    """``KV v2``, ``KV v1`` or the type of what is mounted there; None when that is not known (or
    nothing is)."""
    try:
        answer = live.adapter.get(f"/v1/sys/internal/ui/mounts/{mount}")
    except (StatusError, VaultDenied) as error:
        if error.code == errors.TOKEN_INVALID:
            raise
        return None
    path = str(answer.data.get("path", "")).strip("/")
    return describe_mount(answer.data) if path in ("", mount) else None


def describe_mount(entry: canonical.JsonObject) -> str:
    """A mount as Vault lists it, in a word or two."""
    kind, options = str(entry.get("type")), entry.get("options") or {}
    if kind in ("kv", "generic"):
        return f"KV v{options.get('version') or 1}"
    return errors.printable(kind, 40)


def _foreign(live: Live, what: str, remedy: str) -> VaultError:
    return VaultError(
        errors.FOREIGN_REGISTRY,
        f"the registry at {live.settings.registry_mount}/ of {live.settings.address} {what}",
        remedy,
    )
