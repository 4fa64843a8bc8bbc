"""A secret that cannot print itself, and the text of keys."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import pprint
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.secrecy import holds_secret
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values import keytext

TEXT = "the-text-of-the-secret"


@dataclass(frozen=True)
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        "{:>40}".format,
        lambda secret: f"{secret}{secret!r}{secret!s}{secret:x}",
        lambda secret: "%s %r %.99s" % (secret, secret, secret),  # noqa: UP031
        lambda secret: repr([secret, {"a": secret}]),
        lambda secret: repr(Holder(secret)),
        pprint.pformat,
        lambda secret: str(ValueError(secret)),
        lambda secret: json.dumps({"a": secret}, default=repr),
        ascii,
    ],
)
def test_it_shows_a_mask(show: Callable[[Secret], str]) -> None:
    shown = show(Secret(TEXT))
    assert TEXT not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "take_out",
    [
        json.dumps,
        *(
            lambda secret, number=number: pickle.dumps(secret, number)
            for number in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
        copy.copy,
        copy.deepcopy,
        lambda secret: copy.deepcopy({"a": [secret]}),
        lambda secret: asdict(Holder(secret)),
        lambda secret: secret.__getstate__(),
        vars,
        lambda secret: secret + "",
        "".join,
        bytes,
        len,
        list,
        hashlib.sha256,
    ],
)
def test_it_does_not_come_out(take_out: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as caught:
        take_out(Secret(TEXT))
    assert TEXT not in str(caught.value)


def test_a_traceback_with_locals_does_not_show_it() -> None:
    def fails(secret: Secret) -> None:
        holder = Holder(secret)
        raise ValueError(f"{holder} failed")

    secret = Secret(TEXT)
    with pytest.raises(ValueError, match="failed") as caught:
        fails(secret)
    report = "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    )
    assert "holder = " in report
    assert TEXT not in report


def test_two_secrets_are_never_equal() -> None:
    assert Secret(TEXT) != Secret(TEXT)
    assert len({Secret(TEXT), Secret(TEXT)}) == 2


def test_it_reveals_itself_when_asked() -> None:
    assert Secret(TEXT).reveal() == TEXT
    assert Secret(TEXT).sha256() == hashlib.sha256(TEXT.encode()).hexdigest()


BASE62 = st.text(keytext.ALPHABET, min_size=keytext.SECRET_LENGTH, max_size=keytext.SECRET_LENGTH)
KEY = keytext.compose("acme", "pre-production", "Id0123456789", "s" * keytext.SECRET_LENGTH)


def test_a_key() -> None:
    assert KEY.startswith("acme_preproduction_Id0123456789_sss")
    assert (
        len(KEY)
        == len("acme_preproduction_Id0123456789_") + keytext.SECRET_LENGTH + keytext.CHECK_LENGTH
    )
    assert keytext.is_intact(KEY)


def test_every_edit_of_one_character_is_caught() -> None:
    printable = [chr(code) for code in range(32, 127)]
    for place, present in enumerate(KEY):
        for other in printable:
            if other != present:
                assert not keytext.is_intact(KEY[:place] + other + KEY[place + 1 :])
        assert not keytext.is_intact(KEY[:place] + KEY[place + 1 :])
    swapped = [
        KEY[:i] + KEY[i + 1] + KEY[i] + KEY[i + 2 :]
        for i in range(len(KEY) - 1)
        if KEY[i] != KEY[i + 1]
    ]
    assert not any(keytext.is_intact(text) for text in swapped)


@given(
    BASE62,
    st.from_regex(r"[a-z][a-z0-9]{1,15}", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
)
def test_every_key_is_found_and_intact(secret: str, prefix: str, environment: str) -> None:
    key = keytext.compose(prefix, environment, "0" * keytext.ID_LENGTH, secret)
    assert keytext.is_intact(key)
    assert holds_secret(key)


@pytest.mark.parametrize("secret", [KEY, "whsec_" + "aB3+/" * 8 + "abc="])
@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "a {} b",
        '{{"value":"{}"}}',
        "X-Key={}",
        "x_{}",
        "{}_x",
        "{}9",
        "A{}",
        "{}\n",
        "a/{}/b",
        "%22{}%22",
        "\\n{}\\n",
        "k:{},",
    ],
)
def test_it_is_found_in_any_text(secret: str, text: str) -> None:
    """Also glued to letters and underscores, where word boundaries would miss it."""
    assert holds_secret(text.format(secret))


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "0" * 64,
        "acme_prod_Id0123456789",
        "a_b_c",
        "whsec_",
        "0123456789abcdef" * 8,
        "client/paystack-payouts/key/primary",
        "20261123t224500z-0123456789ab-1a2b",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ],
)
def test_what_is_no_secret_is_not_found(text: str) -> None:
    assert not holds_secret(text)
