"""What ``bootstrap --ci github`` refuses before anybody is asked."""

from __future__ import annotations

import json

import pytest

from reconciler.cli.main import main
from tests.kit.github_tokens import REPOSITORY, REPOSITORY_ID

RIGHT: dict[str, str | None] = {"--ci": "github", "--repository": REPOSITORY, "--repository-id": REPOSITORY_ID}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"--ci": None}, "RC031"),
        ({"--repository": None}, "RC031"),
        ({"--repository-id": None}, "RC031"),
        ({"--repository": "acme"}, "RC032"),
        ({"--repository": "acme/../x"}, "RC032"),
        ({"--repository-id": "acme"}, "RC032"),
        ({"--repository-id": "0"}, "RC032"),
        ({"--repository-id": "*"}, "RC032"),
        ({"--github-environment": ""}, "RC032"),
        ({"--github-environment": "prod*"}, "RC032"),
        ({"--branch": "a..b"}, "RC032"),
        ({"--branch": "*"}, "RC032"),
        ({"--audience": "a b"}, "RC032"),
        ({"--issuer": "http://github.example.com"}, "RC032"),
        ({"--issuer": "https://"}, "RC032"),
        ({"--issuer": "https://[x"}, "RC032"),
        ({"--issuer": "https://github.example.com/"}, "RC032"),
        ({"--issuer": "https://u@github.example.com"}, "RC032"),
        ({"--ci": "jenkins"}, "RC021"),
    ],
    ids=str,
)
def test_a_login_is_never_bound_to_half_a_repository(
    changes: dict[str, str | None], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [text for option, value in (RIGHT | changes).items() if value is not None for text in (option, value)]
    assert main(["bootstrap", "-e", "staging", "--format", "json", *given]) == 64
    printed = json.loads(capsys.readouterr().out)
    assert printed["code"] == code
    assert printed["remedy"]
