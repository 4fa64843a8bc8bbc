"""The reporter of the engine: renderings of ``report``, searched for secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from reconciler.dataclass import dataclass
from reconciler.domain.secrecy import mask_document, mask_secrets

if TYPE_CHECKING:
    from reconciler.domain.live.record import ClientRecord
    from reconciler.domain.plan.run import RunResult


@dataclass(frozen=True, slots=True)
class SearchedReports:
    """The audit reports below ``root``; what looks like a secret leaves none of them."""

    root: str

    def files(
        self,
        result: RunResult,
        records: Mapping[str, ClientRecord] | None,
    ) -> Mapping[PurePosixPath, str]:
        from reconciler.report.run.audit import audit_files

        return {
            path: mask_document(text) if path.suffix == ".json" else mask_secrets(text)
            for path, text in audit_files(self.root, result, records)
        }

    def is_report(
        self,
        text: str,
        anew: str,
    ) -> bool:
        from reconciler.report.run.audit import is_report

        return is_report(text, anew)

    def tells_otherwise(
        self,
        text: str,
        anew: str,
        *,
        original: bool,
    ) -> bool:
        from reconciler.report.run.audit import tells_otherwise

        return tells_otherwise(text, anew, original=original)
