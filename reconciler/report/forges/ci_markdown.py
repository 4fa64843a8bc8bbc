"""What a job tells people when it is no plan: that there is none, and what a night left."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.report.plan.markdown import marker
from reconciler.report.text.escape import clip, markdown


def drift_title(environment: str) -> str:
    return f"{environment} is not as declared"


def no_plan(environment: str, link: str | None) -> str:
    """In the place of a plan that could not be made: the one that stood there would be taken for
    the present one."""
    where = f" {link}" if link else ""
    return (
        f"{marker(environment)}\n## No plan for"
        f" <code>{markdown(clip(environment, 80))}</code>\n\n> [!CAUTION]\n> **The last commit"
        f" could not be planned.** The log of the job says why.{where}\n"
    )


def quote_error(code: str, message: str, remedy: str) -> str:
    """An error as a quotation; nothing in it means anything to a forge."""
    lines = [f"> **{markdown(clip(code, 20))}**: {markdown(clip(message, 2000))}"]
    if remedy:
        lines.append(f"> Remedy: {markdown(clip(remedy, 500))}")
    return "\n>\n".join(lines) + "\n"


def night_report(
    environment: str,
    done: Sequence[str],
    left: str,
    *,
    clean: bool,
) -> str:
    """What was done without a change of the declaration, and what is left, each in finished
    Markdown."""
    name = f"<code>{markdown(clip(environment, 80))}</code>"
    parts = [f"# {name} is as declared\n" if clean else f"# {name} is not as declared\n"]
    if done:
        parts.append("\n".join(["What was done without a change of the declaration:\n", *done]))
    if left:
        parts.append(f"What is left:\n\n{left}")
    return "\n".join(parts)
