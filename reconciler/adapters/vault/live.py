"""``LiveState``: answers the protocol's requests about one environment from Vault or OpenBao."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import Any, Self, TypeVar

from reconciler.adapters.vault import transit
from reconciler.adapters.vault.http import errors, paths
from reconciler.adapters.vault.http.adapter import VaultAdapter
from reconciler.adapters.vault.http.answer import read_gone
from reconciler.adapters.vault.http.at_once import results
from reconciler.adapters.vault.http.errors import StatusError, WriteUnclear
from reconciler.adapters.vault.http.patience import Patience
from reconciler.adapters.vault.http.proxies import Proxy
from reconciler.adapters.vault.key_values import KeyValues
from reconciler.adapters.vault.log_key import LogKey
from reconciler.adapters.vault.secretinfo import instant, read_listed_infos, secret_info
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.names import is_name
from reconciler.errors import VaultDenied, VaultError
from reconciler.registry.requests import (
    Conflict,
    DestroyVersions,
    Done,
    MakeTransitKey,
    Metadata,
    PutSecret,
    ReadDocument,
    ReadLogKeys,
    ReadMetadata,
    ReadSubkeys,
    RemoveTransitKey,
    Request,
    ResetMetadata,
    Response,
    SignLog,
    StoredDocument,
    Subkeys,
    Unclear,
    WriteDocument,
    Written,
)

_T = TypeVar("_T")
# What two cores of a server answer at best over (measured); more threads only wait.
AT_ONCE = 16


class Live:
    """Vault or OpenBao for one environment. Thread-safe. Methods raise ``VaultError``.

    ``detailed`` False: do not ask for OpenBao's ``detailed-metadata``, as if the server were a
    Vault. Close it (or use it in ``with``): it holds connections and threads.
    """

    def __init__(
        self,
        settings: VaultSettings,
        *,
        detailed: bool = True,
        patience: Patience | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self.settings = paths.check_mounts(settings)
        self._detailed = detailed
        self.adapter = VaultAdapter(self.settings, patience, proxy)
        self._registry = KeyValues(self.adapter, self.settings.registry_mount)
        self._secrets = KeyValues(self.adapter, self.settings.secrets_mount)
        self._log_key = LogKey(self.adapter, self.settings.transit_mount)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="vault")
        self.on_close: Callable[[], None] | None = None

    @cached_property
    def client(self) -> Any:
        """hvac's client on our own transport; the token lives in the adapter alone. Whoever asks
        for it pays for importing hvac: a plan does not."""
        from reconciler.adapters.vault.hvac_client import hvac_client

        return hvac_client(self.adapter)

    @property
    def run_id(self) -> str | None:
        """Sent as ``X-Run-Id`` with every request."""
        return self.adapter.run_id

    @run_id.setter
    def run_id(self, value: str | None) -> None:
        self.adapter.run_id = value

    def now(self) -> datetime:
        """The server's time, from the ``Date`` header of one request that needs no token."""
        # A standby's time is as good; asked so, its status is 200.
        answer = self.adapter.get(
            "/v1/sys/health", params={"standbyok": "true", "perfstandbyok": "true"}
        )
        return answer.at

    def answer(self, request: Request) -> Response:
        """Answer one request; of the writes, ``WriteDocument`` and ``PutSecret`` never raise for a
        lost response."""
        match request:
            case ReadDocument():
                return self._read_document(request)
            case WriteDocument():
                path = paths.document_name(request.name)
                return self._write(self._registry, path, {"doc": request.text}, request.cas)
            case PutSecret():
                return self._put_secret(request)
            case ReadSubkeys():
                return self._read_subkeys(request)
            case ReadMetadata():
                return self._read_metadata(request.path)
            case DestroyVersions() | ResetMetadata():
                return self._change(request)
            case MakeTransitKey() | RemoveTransitKey():
                return transit.answer(
                    self.client.secrets.transit, self.settings.transit_mount, request
                )
            case SignLog():
                return self._log_key.sign(request.version, request.content)
            case ReadLogKeys():
                return self._log_key.read()
        raise TypeError(f"{type(request).__name__} is not a request about documents or secrets")

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        """Answer independent requests at the same time, in order.

        After an error no further one is begun.
        """
        if len(requests) == 1:
            return [self.answer(requests[0])]
        futures = [self._threads.submit(self.answer, request) for request in requests]
        return results(futures)

    def at_once(self, calls: Sequence[Callable[[], _T]]) -> list[_T]:
        """What these calls return, made at the same time, in order.

        After an error no further one is begun.
        """
        return results([self._threads.submit(call) for call in calls])

    def list_documents(self, folder: str) -> tuple[str, ...]:
        """Names below a folder of the registry, sorted; folders and names that we never write are
        left out."""
        found = self._list(self._registry, paths.document_folder(folder))
        return tuple(sorted(name for name in found if is_name(name)))

    def delete_document(self, name: str) -> None:
        """Remove a document with all its versions. A document that is not there is no error."""
        self._registry.delete(paths.document_name(name))

    def list_secrets(self, folder: str, *, deep: bool) -> tuple[Mapping[str, SecretInfo], bool]:
        """Paths of a folder of the secrets mount, and whether their versions are known.

        Names of another form than ours (unmanaged by definition) are included; of those no metadata
        is read.
        """
        paths.secret_folder(folder)
        if self._detailed:
            known = self._list_detailed(folder)
            if known is not None:
                return known, True
        names = [f"{folder}/{name}" for name in self._list(self._secrets, folder)]
        infos = dict.fromkeys(names, SecretInfo())
        if deep:
            ours = [name for name in names if paths.is_secret_path(name)]
            for name, response in zip(
                ours, self.answer_all([ReadMetadata(name) for name in ours]), strict=True
            ):
                if isinstance(response, Metadata) and response.info is not None:
                    infos[name] = response.info
        return infos, deep or not infos

    def list_folders(self) -> tuple[str, ...]:
        """Names at the top of the secrets mount, folders with a slash at their end; none where a
        policy forbids it."""
        try:
            return tuple(sorted(self._list(self._secrets, "")))
        except VaultDenied as error:
            if error.code != errors.DENIED:
                raise
            return ()

    def read_secret(self, path: str, version: int) -> Secret | None:
        """A webhook's signing secret (deliverer role); None when that version is gone.

        Never a client's key.
        """
        if not paths.may_deliverer_read(paths.secret_path(path)):
            raise VaultError(
                errors.NAME_REFUSED, f"{path} is not a webhook's secret: keys are never read back"
            )
        try:
            answer = self._secrets.read(path, version)
        except StatusError as error:
            if error.status == 404 or error.lost_its_data:
                return None
            raise
        value = answer.field(dict, "data").get("value")
        if not isinstance(value, str):
            raise VaultError(
                errors.OVERWRITTEN,
                f"{answer.where}: version {version} of {path} has no text in its field 'value': "
                "somebody wrote it by hand",
                "write the previous version back: `bao kv rollback -mount=<mount> -version=<n>"
                " <path>`, likewise with `vault`",
            )
        return Secret(value)

    def sign(self, key: str, content: bytes) -> bytes:
        """The 64 bytes of an ed25519 signature by a transit key (deliverer role)."""
        return transit.sign_by_transit(
            self.client.secrets.transit, self.settings.transit_mount, key, content
        )

    def close(self) -> None:
        """Let go of threads and connections; a token that we obtained by logging in is revoked."""
        try:
            if self.on_close is not None:
                self.on_close()
        finally:
            self.on_close = None
            self._threads.shutdown(wait=True, cancel_futures=True)
            self.adapter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_document(self, request: ReadDocument) -> StoredDocument:
        name = paths.document_name(request.name)
        try:
            answer = self._registry.read(name)
        except StatusError as error:
            if error.lost_its_data and not name.startswith("runs/"):
                raise errors.data_lost(error.where) from None
            return StoredDocument(None, *read_gone(error))
        text, version = (
            answer.field(dict, "data").get("doc"),
            answer.field(int, "metadata", "version"),
        )
        # What somebody wrote without our field is not "nothing to read" (None): a bucket taken for
        # empty would have all its clients issued anew. It is a document that nobody can decode.
        metadata = answer.field(dict, "metadata")
        created, ends = (
            str(metadata.get("created_time", "")),
            instant(metadata.get("deletion_time")),
        )
        return StoredDocument(
            text if isinstance(text, str) else "",
            version,
            answer.at,
            created,
            ends,
        )

    def _put_secret(self, request: PutSecret) -> Written | Conflict | Unclear:
        data: dict[str, object] = {"id": {request.id: ""}}
        if request.secret is not None:
            data["value"] = request.secret.reveal()
        return self._write(self._secrets, paths.secret_path(request.path), data, request.cas)

    def _write(
        self,
        mount: KeyValues,
        path: str,
        data: Mapping[str, object],
        cas: int,
    ) -> Written | Conflict | Unclear:
        try:
            answer = mount.write(path, data, cas)
        except WriteUnclear as error:
            return Unclear(error.message)
        except StatusError as error:
            if error.status == 400 and error.says(errors.CAS_MISMATCH) and error.at is not None:
                return Conflict(error.at)
            raise
        except VaultError as error:
            if error.code != errors.UNUSABLE_ANSWER:
                raise
            return Unclear(error.message)
        version = answer.data.get("version") if isinstance(answer.body.get("data"), dict) else None
        if not isinstance(version, int):
            return Unclear(
                f"{answer.where}: the answer does not name the version that was written (is the"
                " mount KV v2?)"
            )
        return Written(version, answer.at)

    def _read_subkeys(self, request: ReadSubkeys) -> Subkeys:
        path = paths.secret_path(request.path)
        try:
            answer = self._secrets.subkeys(path, request.version)
        except StatusError as error:
            version, at = read_gone(error)
            if error.lost_its_data:
                version = request.version or self._current(path)
            return Subkeys(version, frozenset(), at)
        ids = (answer.data.get("subkeys") or {}).get("id")
        found = frozenset(ids) if isinstance(ids, dict) else frozenset()
        return Subkeys(answer.field(int, "metadata", "version"), found, answer.at)

    def _read_metadata(self, path: str) -> Metadata:
        try:
            answer = self._secrets.metadata(paths.secret_path(path))
        except StatusError as error:
            _, at = read_gone(error)
            return Metadata(None, at)
        info = secret_info(answer.data, answer.at)
        if info is None:
            raise errors.unusable(answer.where, "it is not the metadata of a KV v2 secret")
        return Metadata(info, answer.at)

    def _current(self, path: str) -> int:
        info = self._read_metadata(path).info
        return (info.current if info is not None else None) or 0

    def _change(self, request: DestroyVersions | ResetMetadata) -> Done:
        path = paths.secret_path(request.path)
        if isinstance(request, ResetMetadata):
            plain = {"max_versions": 0, "delete_version_after": "0s", "custom_metadata": {}}
            return Done(self._secrets.set_metadata(path, plain).at)
        if not request.versions:
            return Done(self.now())
        return Done(self._secrets.destroy(path, request.versions).at)

    def _list_detailed(self, folder: str) -> Mapping[str, SecretInfo] | None:
        """One LIST with the metadata of every secret; None when the server or the policy does not
        have it."""
        try:
            answer = self._secrets.list_detailed(folder)
        except (StatusError, VaultDenied) as error:
            if isinstance(error, VaultDenied) and error.code != errors.DENIED:
                raise
            # the plain LIST decides: it fails in the same way, or knows an empty folder
            return None
        return read_listed_infos(
            folder, answer.field(list, "keys"), answer.data.get("key_info"), answer.at
        )

    def _list(self, mount: KeyValues, folder: str) -> list[str]:
        try:
            answer = mount.list(f"{folder}/" if folder else "")
        except StatusError as error:
            read_gone(error)
            return []
        return [name for name in answer.field(list, "keys") if isinstance(name, str)]
