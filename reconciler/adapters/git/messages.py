"""What commits say: their messages, authors and parents."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.adapters.git.command import GitCommand
from reconciler.evidence.history.commits import CommitText

_FORMAT = "%H%n%P%n%an <%ae>%n%B"
_LOG = ("log", "-z", "--first-parent", "--no-show-signature", "--no-notes", "--no-color")


def read_commits(git: GitCommand, wanted: Collection[str]) -> dict[str, CommitText]:
    """The commits ``wanted`` and their first parents, as far as this clone has them. Raises
    ``AuditError``."""
    asked = "".join(f"{one}^{{commit}}\n" for one in sorted(wanted) if one.isalnum())
    answers = git.stored.must("cat-file", "--batch-check", stdin=asked).split("\n")
    here = [answer.split(" ")[0] for answer in answers if " commit " in answer]
    if not here:
        return {}
    text = git.stored.whole(
        *_LOG, f"--format={_FORMAT}", "--stdin", stdin="".join(f"{one}\n" for one in here)
    )
    commits = (one.split("\n", 3) for one in text.split("\0") if one.count("\n") >= 3)
    return {
        commit: CommitText(commit, tuple(parents.split()), author, message)
        for commit, parents, author, message in commits
    }
