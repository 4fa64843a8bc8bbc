"""Every code of an error or a finding: a module for each hundred, one table of them all.

A new code is a row here; ``docs/errors.md`` shows its text. Codes are written as literals where
they are raised, so that a search finds both: tests hold each literal against its row.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors.codes.code import Code
from reconciler.errors.codes.command_line import COMMAND_LINE
from reconciler.errors.codes.declaration import DECLARATION
from reconciler.errors.codes.deliveries import ALERTS, ATTEMPTS, PROBES
from reconciler.errors.codes.plans import ASKED, COMMITS, GUARDS, LIVE, SAVED
from reconciler.errors.codes.platforms import PLATFORMS
from reconciler.errors.codes.policy import DECLARED, DEMANDS, LOOSER
from reconciler.errors.codes.reports import REPORTS
from reconciler.errors.codes.vault import REGISTRY, SERVER, VAULT

TABLES: tuple[tuple[Code, ...], ...] = (
    COMMAND_LINE,
    DECLARATION,
    DECLARED,
    DEMANDS,
    LOOSER,
    GUARDS,
    LIVE,
    ASKED,
    COMMITS,
    SAVED,
    VAULT,
    SERVER,
    REGISTRY,
    ATTEMPTS,
    PROBES,
    ALERTS,
    REPORTS,
    PLATFORMS,
)
CODES: Mapping[str, Code] = {code.id: code for table in TABLES for code in table}
