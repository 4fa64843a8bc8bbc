"""What ``bootstrap --ci`` refuses before anybody is asked."""

from __future__ import annotations

import json

import pytest

from reconciler.cli.main import main
from tests.kit.forges.github_tokens import REPOSITORY, REPOSITORY_ID

RIGHT: dict[str, str | None] = {
    "--ci": "github",
    "--repository": REPOSITORY,
    "--repository-id": REPOSITORY_ID,
}
FLAG = "--no-protected-environments"
ON_GITLAB: dict[str, str | None] = {"--ci": "gitlab", "--repository": "acme/platform/integrations"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"--ci": None}, "RC040"),
        ({"--repository": None}, "RC040"),
        ({"--repository-id": None}, "RC040"),
        ({"--repository": "acme"}, "RC041"),
        ({"--repository": "acme/../x"}, "RC041"),
        ({"--repository-id": "acme"}, "RC041"),
        ({"--repository-id": "0"}, "RC041"),
        ({"--repository-id": "*"}, "RC041"),
        ({"--ci-environment": ""}, "RC041"),
        ({"--ci-environment": "prod*"}, "RC041"),
        ({"--branch": "a..b"}, "RC041"),
        ({"--branch": "*"}, "RC041"),
        ({"--branch": "refs/heads/main"}, "RC041"),
        ({"--repository": f"{REPOSITORY}.git"}, "RC041"),
        ({**ON_GITLAB, "--repository": "acme/platform/integrations.git"}, "RC041"),
        ({**ON_GITLAB, "--branch": "refs/heads/main"}, "RC041"),
        ({"--audience": "a b"}, "RC041"),
        ({"--issuer": "http://github.example.com"}, "RC041"),
        ({"--issuer": "https://"}, "RC041"),
        ({"--issuer": "https://[x"}, "RC041"),
        ({"--issuer": "https://github.example.com/"}, "RC041"),
        ({"--issuer": "https://u@github.example.com"}, "RC041"),
        ({"--ci": "jenkins"}, "RC021"),
        ({"--repository": "acme/platform/integrations"}, "RC041"),
        ({**ON_GITLAB, "--repository": "integrations"}, "RC041"),
        ({**ON_GITLAB, "--repository": "acme//integrations"}, "RC041"),
        ({**ON_GITLAB, "--repository": "acme/../integrations"}, "RC041"),
        ({**ON_GITLAB, "--repository": "acme/*"}, "RC041"),
        ({**ON_GITLAB, "--repository-id": None}, "RC040"),
        ({**ON_GITLAB, "--issuer": "http://gitlab.example.com"}, "RC041"),
        ({**ON_GITLAB, "--issuer": "https://gitlab.example.com/"}, "RC041"),
        ({"--no-protected-environments": ""}, "RC040"),
        (
            {
                "--ci": None,
                "--repository": None,
                "--repository-id": None,
                "--no-protected-environments": "",
            },
            "RC040",
        ),
    ],
    ids=str,
)
def test_a_login_is_never_bound_to_half_a_repository(
    changes: dict[str, str | None], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    present = [(option, value) for option, value in (RIGHT | changes).items() if value is not None]
    given = [
        text
        for option, value in present
        for text in ((option, value) if option != FLAG else (option,))
    ]
    assert main(["bootstrap", "-e", "staging", "--format", "json", *given]) == 64
    printed = json.loads(capsys.readouterr().out)
    assert printed["code"] == code
    assert printed["remedy"]


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"--ci": None}, "add --ci github or --ci gitlab"),
        ({"--issuer": "https://ci.example.com/"}, "https://github.example.com/_services/token,"),
        ({**ON_GITLAB, "--issuer": "https://ci.example.com/"}, "https://gitlab.example.com,"),
    ],
    ids=str,
)
def test_the_remedy_is_that_of_the_platform(
    changes: dict[str, str | None], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [text for pair in (RIGHT | changes).items() if pair[1] is not None for text in pair]
    assert main(["bootstrap", "-e", "staging", *map(str, given)]) == 64
    assert remedy in capsys.readouterr().err
