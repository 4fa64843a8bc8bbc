"""What a night did and left, read from what the commands printed with ``--format json``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.app.plan.rendering import Look, render_plan, run_address
from reconciler.dataclass import dataclass
from reconciler.domain.secrecy import beginning
from reconciler.engine.planfile.load import load_plan
from reconciler.errors import UsageError
from reconciler.report.forges.ci_markdown import night_report, quote_error

# A forge takes a million characters: half for the plan, half for what was done.
_HALF = 450_000


@dataclass(frozen=True, slots=True)
class Night:
    """``clean``: all is as declared, and what was to be done was done. ``report`` is Markdown."""

    clean: bool
    report: str

    @classmethod
    def of(
        cls,
        find_root: Callable[[], Path],
        environ: Mapping[str, str],
        environment: str,
        left: Path,
        done: Sequence[Path],
    ) -> Night:
        """``done``: files that say what was done; ``left``: one that says what is left to do.

        ``find_root`` is asked for the project whose audit reports runs refer to. Raises
        ``UsageError`` RC706 for a file that no command printed, ``ReconcilerError`` for an edited
        plan.
        """
        parts = [_part(find_root, environ, path) for path in done]
        rest = _part(find_root, environ, left)
        clean = not rest.open and all(part.well for part in parts)
        texts = [part.text for part in parts if part.text and (part.ran or not part.well)]
        link = None if clean else run_address(environ)
        report = night_report(environment, texts, rest.text if rest.open else "", clean=clean)
        return cls(clean, f"{report}\n{link}\n" if link else report)


@dataclass(frozen=True, slots=True)
class _Part:
    """``open``: something is to be done; ``ran``: something was done, or tried; ``well``: nothing
    failed or is blocked."""

    text: str
    open: bool
    ran: bool
    well: bool


def _part(
    find_root: Callable[[], Path],
    environ: Mapping[str, str],
    path: Path,
) -> _Part:
    document, text = _read(path)
    kind = document.get("kind")
    if kind == "plan":
        plan = load_plan(text)
        some = plan.blocked or bool(plan.changes)
        shown = render_plan(plan, Look("markdown", limit=_HALF, environ=environ)) if some else ""
        return _Part(shown, open=some, ran=False, well=not plan.blocked)
    if kind == "run":
        try:
            return _run(find_root, document)
        except (KeyError, TypeError, AttributeError):
            raise _unreadable(path, "it is no run") from None
    if kind == "error":
        words = (str(document.get(name, "")) for name in ("code", "message", "remedy"))
        return _Part(quote_error(*words), open=True, ran=True, well=False)
    raise _unreadable(path, "it is no plan, run or error")


def _run(find_root: Callable[[], Path], document: Any) -> _Part:
    outcomes, problem = document.get("outcomes") or (), document.get("problem")
    well = (
        not problem
        and not document.get("interrupted")
        and all(one["status"] == "done" for one in outcomes)
    )
    text = _audit(find_root, (document.get("audit") or {}).get("path"))
    if problem:
        text += "\n" + quote_error(problem["code"], problem["message"], problem["remedy"])
    return _Part(text, open=not well, ran=bool(outcomes) or not well, well=well)


def _audit(find_root: Callable[[], Path], path: str | None) -> str:
    """The audit report of a run, which is Markdown already; empty when it wrote none."""
    root = find_root().resolve()
    file = (root / path).with_suffix(".md").resolve() if path else None
    if file is None or not file.is_relative_to(root) or not file.is_file():
        return ""
    text = file.read_text(encoding="utf-8")
    return (
        text if len(text) <= _HALF else f"{beginning(text, _HALF)}\n\nThe rest is in {file.name}.\n"
    )


def _read(path: Path) -> tuple[Any, str]:
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or "it is no JSON") from None
    if not isinstance(document, dict):
        raise _unreadable(path, "it is no plan, run or error")
    return document, text


def _unreadable(path: Path, why: str) -> UsageError:
    remedy = "name files that plan or apply printed with --format json"
    return UsageError("RC706", f"{path} cannot be used: {why}", remedy)
