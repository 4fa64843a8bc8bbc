"""Which controls the evidence supports, and which sheets show it.

A table of words alone. Evidence supports a control, it never fulfils one: that is for whoever runs
the system, and their auditor, to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.dataclass import dataclass
from reconciler.report.evidence.pack import Sheet


@dataclass(frozen=True, slots=True)
class Control:
    """``how`` says in a sentence what the evidence shows for it, ``sheets`` where. ``relation`` is
    ``supports``; of OWASP's risks ``prevents``, ``detects`` or ``leaves to others``."""

    framework: str
    number: str
    title: str
    how: str
    sheets: tuple[str, ...]
    relation: str = "supports"


_PCI = "PCI DSS 4.0.1"
_SOC = "SOC 2"
_ISO = "ISO/IEC 27001:2022"
_NIST = "NIST SP 800-53"
_NHI = "OWASP NHI Top 10 (2025)"
_LOG = "log"  # the log itself, no sheet

CONTROLS: tuple[Control, ...] = (
    Control(
        _PCI,
        "8.6.3",
        "Credentials of application and system accounts are protected against misuse",
        "Each change of a key with its date and cause, also after a suspected compromise. The"
        " interval is the entity's, from its own risk analysis: the requirement fixes none.",
        ("rotations", "revocations", "keys"),
    ),
    Control(
        _PCI,
        "8.6.2",
        "Such credentials are not hard coded in scripts and files",
        "Keys are issued into a vault; the declaration and the reports hold ids and hashes alone.",
        ("keys",),
    ),
    Control(
        _PCI,
        "7.2.5",
        "Access of application and system accounts is assigned by least privilege",
        "The scopes of each client, its owner, who must approve and who did.",
        ("access", "changes"),
    ),
    Control(
        _PCI,
        "8.2.6",
        "Inactive accounts are removed or disabled",
        "What ended, when and why; last use where something measured it.",
        ("access", "revocations"),
    ),
    Control(
        _PCI,
        "10.2.1",
        "Audit logs are enabled and active",
        "An entry for each run, and one in each quiet week; numbers without gaps.",
        ("runs", _LOG),
    ),
    Control(
        _PCI,
        "10.3.2",
        "Audit logs are protected from changes by individuals",
        "Entries are chained and signed by a key that does not leave the vault.",
        (_LOG,),
    ),
    Control(
        _PCI,
        "10.3.4",
        "Changes of existing log data are detected",
        "The verification of the log names the first entry that was changed.",
        (_LOG,),
    ),
    Control(
        _PCI,
        "10.5.1",
        "Audit log history is retained for at least 12 months",
        "The log is whole from its first entry on; the date of each is in the sheet of runs.",
        ("runs", _LOG),
    ),
    Control(
        _SOC,
        "CC6.1",
        "Logical access is restricted",
        "Keys by client with scopes, hashes and lifetimes.",
        ("keys", "access"),
    ),
    Control(
        _SOC,
        "CC6.2",
        "Access is authorized before credentials are issued, and removed when it ends",
        "Registration, approval and end of each client.",
        ("changes", "access", "revocations"),
    ),
    Control(
        _SOC,
        "CC6.3",
        "Access is changed by role and least privilege",
        "Scopes, who must approve, who approved, and each change of them.",
        ("access", "changes"),
    ),
    Control(
        _SOC,
        "CC6.6",
        "Access from outside is protected",
        "Webhooks that proved that they refuse what is forged.",
        ("webhooks", "deliveries"),
    ),
    Control(
        _SOC,
        "CC7.2",
        "Anomalies are monitored",
        "Deliveries that failed, drift that was put right, and since when.",
        ("webhooks", "deliveries", "changes"),
    ),
    Control(
        _SOC,
        "CC7.3",
        "Security events are evaluated",
        "Revocations with their cause and incident.",
        ("revocations",),
    ),
    Control(
        _SOC,
        "CC7.4",
        "Incidents are responded to",
        "When a key was revoked, when its secret was gone, and what replaced it.",
        ("revocations", "keys"),
    ),
    Control(
        _SOC,
        "CC8.1",
        "Changes are authorized, tested and documented",
        "Each change with its commit, pull request and cause; exceptions with who approved them.",
        ("runs", "changes", "exceptions"),
    ),
    Control(
        _ISO,
        "A.5.15",
        "Access control",
        "The scopes of each client and who decides on them.",
        ("access",),
    ),
    Control(
        _ISO,
        "A.5.16",
        "Identity management",
        "Each client from registration to its end.",
        ("changes", "access"),
    ),
    Control(
        _ISO,
        "A.5.17",
        "Authentication information",
        "Issue, rotation and end of each key and signing secret.",
        ("keys", "rotations", "revocations"),
    ),
    Control(
        _ISO,
        "A.5.18",
        "Access rights",
        "Rights as they are, as they changed, and as they were removed.",
        ("access", "changes", "revocations"),
    ),
    Control(
        _ISO,
        "A.5.28",
        "Collection of evidence",
        "The log verifies without this program, by openssl and by the script of the pack.",
        (_LOG,),
    ),
    Control(
        _ISO,
        "A.5.33",
        "Protection of records",
        "Reports by their hashes in signed entries; what was erased, under an entry that says so.",
        ("runs", _LOG),
    ),
    Control(_ISO, "A.8.15", "Logging", "An entry for each run.", ("runs", _LOG)),
    Control(
        _ISO,
        "A.8.24",
        "Use of cryptography",
        "The life of each key; signatures of entries and of webhooks.",
        ("keys", "rotations", "webhooks"),
    ),
    Control(
        _ISO,
        "A.8.32",
        "Change management",
        "Each change with its commit, pull request and cause.",
        ("runs", "changes", "exceptions"),
    ),
    Control(
        _NIST,
        "IA-5",
        "Authenticator management",
        "Issue, lifetime, rotation and end of each key.",
        ("keys", "rotations", "revocations"),
    ),
    Control(
        _NIST,
        "AU-9(3)",
        "Cryptographic protection of audit information",
        "Signed entries in a hash tree, with a signed checkpoint.",
        (_LOG,),
    ),
    Control(
        _NIST,
        "AU-10",
        "Non-repudiation",
        "Each entry commits to who ran it; the report has the name and what shows that it fits.",
        ("runs", _LOG),
    ),
    Control(
        _NIST,
        "AU-12",
        "Audit record generation",
        "Every event of every client is in exactly one entry, by gapless numbers.",
        ("changes", _LOG),
    ),
    Control(
        _NIST,
        "SC-12",
        "Cryptographic key establishment and management",
        "The life of each key, and the succession of the key that signs the log.",
        ("keys", "rotations", _LOG),
    ),
    Control(
        _NIST,
        "CM-3",
        "Configuration change control",
        "Each change with its commit, pull request, approval and cause.",
        ("runs", "changes", "exceptions"),
    ),
    Control(
        _NHI,
        "NHI1",
        "Improper offboarding",
        "A client that is no longer declared loses its keys at the next run.",
        ("revocations", "access"),
        "prevents",
    ),
    Control(
        _NHI,
        "NHI2",
        "Secret leakage",
        "No output, report or commit of this program holds a secret. Leaks elsewhere are for a"
        " scanner to find; a leaked key is revoked at once.",
        ("keys", "revocations"),
        "prevents",
    ),
    Control(
        _NHI,
        "NHI3",
        "Vulnerable third-party NHI",
        "The access review says which partner holds what. What they do with it is theirs.",
        ("access",),
        "leaves to others",
    ),
    Control(
        _NHI,
        "NHI4",
        "Insecure authentication",
        "Keys of 256 random bits; webhooks must refuse what is forged. How an API checks a key is"
        " its own.",
        ("webhooks", "deliveries"),
        "prevents",
    ),
    Control(
        _NHI,
        "NHI5",
        "Overprivileged NHI",
        "Scopes, their approval and their changes; wildcards are judged by what they mean.",
        ("access", "changes"),
        "detects",
    ),
    Control(
        _NHI,
        "NHI6",
        "Insecure cloud deployment configuration",
        "Jobs of CI log in without a stored secret; the rest of the cloud is for others.",
        ("runs",),
        "leaves to others",
    ),
    Control(
        _NHI,
        "NHI7",
        "Long-lived secrets",
        "Each version has an expiry, and is replaced before it.",
        ("keys", "rotations"),
        "prevents",
    ),
    Control(
        _NHI,
        "NHI8",
        "Environment isolation",
        "Each environment has mounts, roles and a log of its own; this pack is of one.",
        ("runs", "keys"),
        "prevents",
    ),
    Control(
        _NHI,
        "NHI9",
        "NHI reuse",
        "Each client has keys of its own. Whether two systems share one, only their use tells.",
        ("keys", "access"),
        "detects",
    ),
    Control(
        _NHI,
        "NHI10",
        "Human use of NHI",
        "A person who uses a client's key looks like the client: that is for gates and networks.",
        ("access",),
        "leaves to others",
    ),
)


def list_controls(sheets: Sequence[Sheet]) -> Sheet:
    """The map: a row a control, with how many rows of which sheets show something for it."""
    counts = {sheet.name: len(sheet.rows) for sheet in sheets}
    return Sheet(
        "controls",
        "Controls",
        "What the evidence shows for which control. It supports a control and never fulfils one."
        " PCI DSS 8.3.9 is about the passwords of people: nothing here is about it.",
        ("Framework", "Control", "Title", "Relation", "What it shows", "Where"),
        [
            (
                one.framework,
                one.number,
                one.title,
                one.relation,
                one.how,
                ", ".join(_place(name, counts) for name in one.sheets),
            )
            for one in CONTROLS
        ],
    )


def _place(name: str, counts: dict[str, int]) -> str:
    if name == _LOG:
        return "the log"
    count = counts[name]
    return f"{name} ({count} {'row' if count == 1 else 'rows'})"
