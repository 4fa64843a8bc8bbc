"""How a job proves to Vault what it is: an identity token that GitHub makes for it, which lives for
minutes."""

from __future__ import annotations

import http.client
import json
import re
import urllib.parse
import urllib.request

from api import ApiError, asked
from runner import Refused, mask, variable

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def logged_in(place: str, job: str) -> dict[str, str]:
    """Variables with which the reconciler logs in for a job; a token that the workflow gives comes
    first."""
    if any(variable(name) for name in ("VAULT_TOKEN", "BAO_TOKEN")):
        return {}
    found = _login("", place, job, variable("INPUT_AUDIENCE"))
    first = variable("INPUT_REQUIRES")
    if first:
        if not NAME.fullmatch(first):
            raise Refused(
                f"the input requires is {first!r}", "Name an environment of reconciler.yaml"
            )
        found |= _login(f"_{first.upper().replace('-', '_')}", first, "plan", "")
    return found


def _login(suffix: str, place: str, job: str, audience: str) -> dict[str, str]:
    jwt = identity_token(audience or f"integrations-{place}")
    return {f"VAULT_JWT{suffix}": jwt, f"VAULT_ROLE{suffix}": f"integrations-{place}-{job}"}


def identity_token(audience: str) -> str:
    """This job's token for ``audience``, masked in every log.

    It lives for minutes and is kept nowhere.
    """
    address, bearer = (
        variable("ACTIONS_ID_TOKEN_REQUEST_URL"),
        variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    )
    if not (address and bearer):
        raise Refused(
            "this job gets no identity token",
            "Give it permissions: id-token: write (a pull request of a fork never has it), or VAULT_TOKEN",
        )
    joined = "&" if urllib.parse.urlsplit(address).query else "?"
    # The runner's own service: its address and its bearer token come from the runner.
    request = urllib.request.Request(  # noqa: S310
        f"{address}{joined}{urllib.parse.urlencode({'audience': audience})}",
        headers={"Authorization": f"bearer {bearer}"},
    )
    try:
        status, body = asked(request)
        jwt = str(json.loads(body)["value"]) if status == 200 else ""
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException, ApiError) as error:
        raise Refused(
            f"no identity token was given ({type(error).__name__})", "Run the job again"
        ) from None
    if not jwt:
        raise Refused(f"no identity token was given (status {status})", "Run the job again")
    mask(jwt)
    return jwt
