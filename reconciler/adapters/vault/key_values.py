"""The requests of KV v2 that plans and runs make, by their paths in Vault's API.

Few and plain, so hvac, which takes a tenth of a second to import, is not asked for them. ``path``
and ``mount`` are checked by the caller (``http.paths``). All raise ``VaultError``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.adapters.vault.http.adapter import VaultAdapter
from reconciler.adapters.vault.http.answer import Answer
from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class KeyValues:
    """One KV v2 mount."""

    adapter: VaultAdapter
    mount: str

    def read(self, path: str, version: int | None = None) -> Answer:
        """The data of a version, the current one for None. ``StatusError`` 404: there is none."""
        params = {} if version is None else {"version": version}
        return self.adapter.get(f"/v1/{self.mount}/data/{path}", params=params)

    def subkeys(self, path: str, version: int | None = None) -> Answer:
        """The names of a version's fields, without their values."""
        params = {} if version is None else {"version": version}
        return self.adapter.get(f"/v1/{self.mount}/subkeys/{path}", params=params)

    def write(self, path: str, data: Mapping[str, object], cas: int) -> Answer:
        """A new version, if ``cas`` is the number of the current one; 0: if there is none yet."""
        body = {"options": {"cas": cas}, "data": data}
        return self.adapter.post(f"/v1/{self.mount}/data/{path}", json=body)

    def destroy(self, path: str, versions: Sequence[int]) -> Answer:
        """End the data of these versions for ever. Answers 204 also where there are none."""
        body = {"versions": list(versions)}
        return self.adapter.post(f"/v1/{self.mount}/destroy/{path}", json=body)

    def metadata(self, path: str) -> Answer:
        return self.adapter.get(f"/v1/{self.mount}/metadata/{path}")

    def set_metadata(self, path: str, settings: Mapping[str, object]) -> Answer:
        return self.adapter.post(f"/v1/{self.mount}/metadata/{path}", json=settings)

    def delete(self, path: str) -> Answer:
        """All versions and their history."""
        return self.adapter.delete(f"/v1/{self.mount}/metadata/{path}")

    def list(self, folder: str) -> Answer:
        """The names in a folder, ``""`` for the top. ``StatusError`` 404: it is empty."""
        return self.adapter.list(f"/v1/{self.mount}/metadata/{folder}")

    def list_detailed(self, folder: str) -> Answer:
        """The same with the metadata of each: OpenBao alone has it."""
        return self.adapter.list(f"/v1/{self.mount}/detailed-metadata/{folder}/")

    def config(self) -> Answer:
        """The settings of the mount."""
        return self.adapter.get(f"/v1/{self.mount}/config")
