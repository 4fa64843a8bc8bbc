"""RC64x to RC67x: the evidence log, what it is made of and whether it holds."""

from __future__ import annotations

from reconciler.errors.codes.code import Code

EVIDENCE_CODES: tuple[Code, ...] = (
    Code(
        "RC640",
        "an entry of the log is not in the one form in which entries are written",
        "restore the file from git: it was edited, converted or shortened after it was signed",
    ),
    Code(
        "RC641",
        "what an entry says is not a statement as this program writes it",
        "restore the file from git; when it was committed so, whoever signed it did not use this"
        " program",
        more="Other spaces, escapes or numbers that mean the same are refused, too",
    ),
    Code(
        "RC642",
        "an entry has a format that this version does not read",
        "use the version of reconciler that wrote it, or a newer one",
    ),
    Code(
        "RC643",
        "a line is no verifier key, or one of a kind that this version does not know",
        "take the line that `reconciler audit key` prints, whole",
    ),
    Code(
        "RC644",
        "a checkpoint is not a signed note",
        "restore the file from git: it was edited, or shortened, after it was signed",
    ),
    Code(
        "RC645",
        "a signed note is no checkpoint: it does not hold an origin, a size and a root",
        "restore the file from git, or take a checkpoint of this log",
    ),
    Code(
        "RC646",
        "the head of the log in the registry does not fit its size",
        "run `reconciler audit repair`: it makes the head anew from the log",
    ),
)
