"""What signed commits handed down: the demand for signatures, and the keys, as no unsigned commit can change them.

A commit is judged by the file of the commit before. That alone would let two commits do what one cannot: the first
takes the demand back, or adds a key, and is refused; the second finds it done. So the history of both is followed from
the commit that brought the demand: what a commit changes counts only when a key that was handed down so far signed it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.adapters.git_trust import Declaration

WORD = "signedCommits"  # a policy that demands signatures holds it
# The path of the signers that a policy, by its text, demands; None: it demands no signature.
Demanded = Callable[[str], str | None]


def handed_down(declaration: Declaration, policies: Sequence[str], demanded: Demanded) -> tuple[str, str] | None:
    """(path, text) of the allowed signers that the commits before this one lead to, None without a demand.
    ``policies`` are the names that the policy may have: the first that is there counts.

    It begins with the first commit that demands signatures, with the keys of the commit before it, or its own where
    that has none. First parents are followed; where the history is cut off it begins there.
    """

    def demand_of(commit: str) -> str | None:
        texts = (declaration.text(commit, name) for name in policies)
        return next((demanded(text) if WORD in text else None for text in texts if text is not None), None)

    if not declaration.ever_said(policies, WORD):
        return None
    paths = {path for commit, _ in declaration.changes_of(policies) if (path := demand_of(commit)) is not None}
    state: tuple[str, str] | None = None
    for commit, parent in declaration.changes_of({*policies, *paths}) if paths else ():
        path = demand_of(commit)
        there = None if path is None else declaration.text(commit, path)
        changed = None if path is None or there is None else (path, there)
        if state is None and path is not None:
            before = declaration.text(parent, path)
            state = changed if before is None else (path, before)
        if state is not None and not declaration.fault(commit, state[1], state[0]):
            state = changed
    return state
