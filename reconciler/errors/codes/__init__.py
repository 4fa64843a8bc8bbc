"""Every code of an error or a finding: a module for each hundred, one table of them all.

A new code is a row here; ``docs/errors.md`` shows its text. Codes are written as literals where
they are raised, so that a search finds both: tests hold each literal against its row.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors.codes.code import Code
from reconciler.errors.codes.command_line import COMMAND_LINE_CODES
from reconciler.errors.codes.declaration import DECLARATION_CODES
from reconciler.errors.codes.deliveries import ALERT_CODES, ATTEMPT_CODES, PROBE_CODES
from reconciler.errors.codes.evidence import EVIDENCE_CODES
from reconciler.errors.codes.plans import (
    COMMIT_CODES,
    GUARD_CODES,
    LIVE_CODES,
    REQUEST_CODES,
    SAVED_PLAN_CODES,
)
from reconciler.errors.codes.platforms import PLATFORM_CODES
from reconciler.errors.codes.policy import DEMAND_CODES, LOOSER_CODES, POLICY_CODES
from reconciler.errors.codes.reports import REPORT_CODES
from reconciler.errors.codes.vault import REGISTRY_CODES, SERVER_CODES, VAULT_CODES

TABLES: tuple[tuple[Code, ...], ...] = (
    COMMAND_LINE_CODES,
    DECLARATION_CODES,
    POLICY_CODES,
    DEMAND_CODES,
    LOOSER_CODES,
    GUARD_CODES,
    LIVE_CODES,
    REQUEST_CODES,
    COMMIT_CODES,
    SAVED_PLAN_CODES,
    VAULT_CODES,
    SERVER_CODES,
    REGISTRY_CODES,
    ATTEMPT_CODES,
    PROBE_CODES,
    ALERT_CODES,
    REPORT_CODES,
    EVIDENCE_CODES,
    PLATFORM_CODES,
)
CODES: Mapping[str, Code] = {code.id: code for table in TABLES for code in table}
# The codes of what Vault answers and holds.
OF_VAULT = frozenset(
    code.id for table in (VAULT_CODES, SERVER_CODES, REGISTRY_CODES) for code in table
)
