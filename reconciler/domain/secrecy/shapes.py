"""What secrets look like: ours, those of Vault and OpenBao, private keys, and those of common
providers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.dataclass import dataclass
from reconciler.domain.values.keytext import CHECK_LENGTH, ID_LENGTH, SECRET_LENGTH

CREDENTIALS_IN_URL = "the credentials in a URL"

# The first two parts of an issued key, which stand before its id: a prefix and an environment.
_BEFORE_ID = re.compile(r"[a-z][a-z0-9]{1,15}_[a-z0-9]{1,63}\Z")
_LONGEST_BEFORE_ID = 16 + 1 + 63
_ID_AND_SECRET = re.compile(
    rf"_[0-9A-Za-z]{{{ID_LENGTH}}}_[0-9A-Za-z]{{{SECRET_LENGTH + CHECK_LENGTH}}}"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """``name`` is what people call it. One of ``hints`` is in every text that ``pattern`` finds."""

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where such a secret begins and ends in ``text``: the group of the pattern, where it has
        one."""
        part = self.pattern.groups
        return (match.span(part) for match in self.pattern.finditer(text))


@dataclass(frozen=True, slots=True)
class _IssuedKey(Shape):
    """Found by its second half: looking for the first at every letter of a long text takes its
    time."""

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        for match in self.pattern.finditer(text):
            begin = max(0, match.start() - _LONGEST_BEFORE_ID)
            before = _BEFORE_ID.search(text[begin : match.start()])
            if before is not None:
                yield begin + before.start(), match.end()


def _shape(name: str, hints: str, pattern: str) -> Shape:
    return Shape(name, tuple(hints.split()), re.compile(pattern))


_PEM = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[A-Za-z0-9+/=\s:,]|-(?!----)|\\[nrt])*"
    r"(?:-----END [A-Z0-9 ]{0,60}-----)?"
)

# Ours first: of two that begin at one place the first names it. What must not stand before one is
# looked for behind its first letters: to look at each letter of a long text takes ten times as
# long.
SHAPES: tuple[Shape, ...] = (
    _IssuedKey("an issued key", ("_",), _ID_AND_SECRET),
    _shape("a webhook signing secret", "whsec_ whsk_", r"whs(?:ec|k)_[A-Za-z0-9+/_-]{16,}={0,2}"),
    _shape(
        "a Vault token", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9]{1,8}\b)?"
    ),
    # OpenBao's, and Vault's before 1.10; with the id of a namespace behind them.
    _shape(
        "a Vault token",
        "s. b. r.",
        r"[sbr]\.(?<![A-Za-z0-9_.-]..)[A-Za-z0-9_-]{24,}(?:\.[A-Za-z0-9]{1,8}\b)?",
    ),
    _shape("a private key", "-----BEGIN", _PEM),
    _shape("a private key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    _shape(
        "a payment provider's secret key",
        "k_live_ k_test_ k_org_",
        r"[sr]k_(?:live|test|org)_[0-9A-Za-z_]{16,}",
    ),
    _shape("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[0-9A-Za-z]{36,}"),
    _shape("a GitHub token", "github_pat_", r"github_pat_[0-9A-Za-z_]{22,}"),
    _shape(
        "a GitLab token",
        "gl",
        r"gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct|wt)-[0-9A-Za-z_=.-]{20,}",
    ),
    _shape(
        "an AWS access key", "AKIA ASIA", r"A[KS]IA(?<![0-9A-Za-z]....)[0-9A-Z]{16}(?![0-9A-Za-z])"
    ),
    _shape("a Slack token", "xox xapp-", r"x(?:ox[abceoprs]|app)-[0-9A-Za-z-]{10,}"),
    _shape(
        "the URL of a Slack webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{8,}",
    ),
    _shape("a Google API key", "AIza", r"AIza[0-9A-Za-z_-]{35}"),
    _shape("a Google OAuth secret", "GOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{20,}"),
    _shape("a Google access token", "ya29.", r"ya29\.[0-9A-Za-z_-]{20,}"),
    _shape(
        "a SendGrid key", "SG.", r"SG\.(?<![0-9A-Za-z]...)[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"
    ),
    _shape("a Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _shape("a Square token", "sq0", r"sq0(?:atp|csp|idp)-[0-9A-Za-z_-]{22,}"),
    _shape("a Twilio key", "SK", r"SK(?<![0-9A-Za-z]..)[0-9a-f]{32}(?![0-9A-Za-z])"),
    _shape("an npm token", "npm_", r"npm_[0-9A-Za-z]{36}"),
    _shape("a PyPI token", "pypi-", r"pypi-AgE[0-9A-Za-z_-]{50,}"),
    _shape("a DigitalOcean token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _shape("an Atlassian token", "ATATT3", r"ATATT3[0-9A-Za-z_=-]{30,}"),
    _shape("a Hugging Face token", "hf_", r"hf_(?<![0-9A-Za-z_]...)[0-9A-Za-z]{34,}"),
    _shape(
        "an AI provider's key",
        "sk-",
        r"sk-(?<![0-9A-Za-z]...)(?:(?:proj|ant|svcacct|admin)-[0-9A-Za-z_-]{20,}|[0-9A-Za-z]{40,})",
    ),
    _shape(
        "a JSON Web Token",
        "eyJ",
        r"eyJ[0-9A-Za-z_-]{8,}\.(?:[0-9A-Za-z_-]*\.){1,3}[0-9A-Za-z_-]{8,}",
    ),
    _shape(CREDENTIALS_IN_URL, "@", r"://(?!git@|\*{3}@)([^/?#\s\"'<>@\\]{1,512})(?=@)"),
)
# Of a word this is the quicker question; of a longer text it is to look for each hint.
_ANY = re.compile("|".join(shape.pattern.pattern for shape in SHAPES))
_SHORT = 32  # characters
# Each hint with the number of its shape.
_HINTS = tuple((hint, number) for number, shape in enumerate(SHAPES) for hint in shape.hints)


def find_shapes(text: str) -> Iterator[tuple[str, int, int]]:
    """Whatever has the shape of a secret in ``text``: what it is called, where it begins and
    ends."""
    if len(text) <= _SHORT and _ANY.search(text) is None:
        return
    for number in dict.fromkeys([number for hint, number in _HINTS if hint in text]):
        for begin, end in SHAPES[number].spans(text):
            yield SHAPES[number].name, begin, end
