"""``listen``: the whole command as another program, and deliveries that are genuine and that are
not."""

from __future__ import annotations

import http.client
import io
import json
import signal
import socket
import time
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import standardwebhooks
import stripe
import svix.webhooks

from reconciler.cli.listen.listen import listen
from reconciler.cli.main import main
from reconciler.domain.declared.schemes import GITHUB, SCHEMES, STANDARD_WEBHOOKS
from reconciler.domain.secrecy import holds_secret
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.signing import sign
from tests.kit.programs.commands import reconciler
from tests.kit.programs.started import IN_BACKGROUND, ignored
from tests.kit.webhooks.listener import EVENT, listening

OLD, NEW, WRONG = ("whsec_" + digits * 32 for digits in ("0a", "1b", "2c"))
TEST = b'{"type":"order.paid","test":true}'


def documents(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def private(directory: Path, *secrets: str) -> Path:
    file = directory / "secrets.txt"
    file.write_text("\n".join(secrets) + "\n")
    file.chmod(0o600)
    return file


def test_right_and_wrong_deliveries_are_shown_answered_and_counted(tmp_path: Path) -> None:
    private(tmp_path, NEW)
    arguments = ("--secret-from", "env:FIRST", "--secret-from", "file:secrets.txt", "--count", "7")
    with listening(tmp_path, *arguments, FIRST=OLD) as there:
        assert there.signed(STANDARD_WEBHOOKS, OLD) == 204
        assert there.signed(STANDARD_WEBHOOKS, NEW, body=TEST) == 204
        assert there.signed(STANDARD_WEBHOOKS, WRONG) == 401
        assert there.signed(STANDARD_WEBHOOKS, NEW, age=660) == 401
        assert there.signed(STANDARD_WEBHOOKS, NEW, age=660, body=TEST) == 401
        assert (
            there.signed(GITHUB, NEW, Cookie="session-canary", Authorization="Bearer bearer-canary")
            == 401
        )
        assert there.send({"GET": "x"}, b"", method="GET") == 200
        assert there.send({}, method="PUT") == 405
        assert there.send({}, b"\x1b]0;title\x07\xe2\x80\xae", f"/{NEW}?{OLD}") == 401
        out, err = there.end()
    for line in (
        "  accepted: SignatureValid: the signature is valid, by secret 1 of 2 (env:FIRST)",
        "  accepted: SignatureValid: the signature is valid, by secret 2 of 2 (file:secrets.txt)",
        "  marked as a test delivery of reconciler: nothing happened",
        "  refused: SignatureMismatch: no signature matches",
        "  refused: TimestampOutsideTolerance: the delivery is 66",
        "  refused, as it should be: TimestampOutsideTolerance: the delivery is 66",
        "  what to do: it has the signature of the scheme github",
        "  cookie: (not shown)",
        "  authorization: (not shown)",
        "#7 ",
        " POST /***?***: answered 401",
        "    \\x1b]0;title\\x07\\u202e",
    ):
        assert line in out
    assert " s old; 300 s are tolerated" in out
    assert "PUT /hook: answered 405, deliveries come by POST" in err
    assert "stopped after 7 deliveries: 2 accepted, 4 refused and 1 refused as it should be" in err
    for canary in ("\x1b", "canary", OLD[6:], NEW[6:]):
        assert canary not in out + err
    assert not holds_secret(out + err)


def test_json_is_one_document_a_line(tmp_path: Path) -> None:
    arguments = ("--secret-from", "-", "--format", "json", "--count", "4")
    with listening(tmp_path, *arguments, stdin=f"{OLD}\n\n{NEW}\n") as there:
        assert there.signed(STANDARD_WEBHOOKS, NEW, body=TEST) == 204
        assert there.signed(STANDARD_WEBHOOKS, WRONG, body=TEST) == 401
        assert there.send({"X-Api-Key": "canary"}, b"{" + NEW.encode() + b"\n") == 401
        assert there.send({}, b"[" * 70_000) == 401
        first, good, probe, text, deep = documents(there.end()[0])
    assert first == {
        "format_version": 1, "kind": "listening", "url": f"http://127.0.0.1:{there.port}",
        "scheme": "standard-webhooks", "secrets": [{"source": "stdin", "version": None}] * 2,
    }  # fmt: skip
    assert (good["kind"], good["number"], good["accepted"], good["status"]) == (
        "received",
        1,
        True,
        204,
    )
    assert good["secret"] == {"number": 2, "source": "stdin", "version": None}
    assert good["body"]["json"] == json.loads(TEST)
    assert good["headers"]["webhook-signature"].startswith("v1,")
    assert len(good["headers"]["webhook-signature"]) == len("v1,123456…")
    assert (probe["accepted"], probe["as_it_should_be"], probe["secret"]) == (False, True, None)
    assert (text["body"]["is_json"], text["body"]["text"]) == (False, "{***\n")
    assert text["headers"]["x-api-key"] == "(not shown)"
    assert (deep["body"]["bytes"], deep["body"]["truncated"], len(deep["body"]["text"])) == (
        70_000,
        True,
        4096,
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_signing_secret_is_not_shown_in_any_dress(tmp_path: Path, form: str) -> None:
    dresses = [
        NEW[:20] + "\u200b" + NEW[20:], NEW[:20] + "\n" + NEW[20:], NEW[:20] + "\x1b[0m" + NEW[20:],
        quote(NEW, safe=""),
        "".join(f"%{byte:02x}" for byte in NEW.encode()), "".join(f"&#{byte};" for byte in NEW.encode()),
        b64encode(b"secret " + NEW.encode()).decode(), NEW.encode("utf-16").decode("utf-8", "replace"),
    ]  # fmt: skip
    arguments = ("--secret-from", "env:S", "--count", str(2 * len(dresses)), "--format", form)
    with listening(tmp_path, *arguments, S=NEW) as there:
        for dress in dresses:
            assert there.send({"x-note": quote(dress)}, dress.encode()) == 401
            assert (
                there.send(
                    {}, json.dumps({"note": dress, dress: 1}).encode(), f"/{quote(dress, safe='')}"
                )
                == 401
            )
        out, err = there.end()
    assert "***" in out
    assert not holds_secret(out + err)
    assert not any(NEW[6:][at : at + 10] in out + err for at in range(len(NEW) - 16))


def test_what_arrives_commands_no_ci_system(tmp_path: Path) -> None:
    commands = [
        "::add-mask::production",
        "##[error]x",
        "##vso[task.setvariable variable=a]b",
        "section_start:1:x",
    ]
    body = "\n".join([*commands, *(f"  {one}" for one in commands), "a\r::error::x"]).encode()
    with listening(tmp_path, "--count", "1") as there:
        assert there.send({"x-note": commands[0]}, body) == 401
        out, err = there.end()
    for line in (out + err).splitlines():
        assert not line.strip().startswith("::")
        assert "##" not in line
        assert "section_start:" not in line


PACKAGES = [
    ("standard-webhooks", lambda at: {
        "webhook-id": "msg_1", "webhook-timestamp": str(at),
        "webhook-signature":
            standardwebhooks.Webhook(NEW).sign("msg_1", datetime.fromtimestamp(at, UTC), EVENT.decode()),
    }),
    ("svix", lambda at: {
        "svix-id": "msg_1", "svix-timestamp": str(at),
        "svix-signature": svix.webhooks.Webhook(NEW).sign("msg_1", datetime.fromtimestamp(at, UTC), EVENT.decode()),
    }),
    ("stripe", lambda at: {
        "stripe-signature": stripe.WebhookSignature.generate_signature_header(EVENT.decode(), NEW, at),
    }),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make"), PACKAGES, ids=[row[0] for row in PACKAGES])
def test_what_the_packages_of_others_sign_is_judged(tmp_path: Path, name: str, make: Any) -> None:
    with listening(
        tmp_path, "--scheme", name, "--secret-from", "env:S", "--tolerance", "20m", S=NEW
    ) as there:
        now = int(time.time())
        assert there.send(make(now)) == 204
        assert there.send(make(now - 900)) == 204  # the tolerance that was asked for
        assert there.send(make(now - 1500)) == 401
        assert there.send(make(now), EVENT + b" ") == 401
        assert "scheme " + name in there.end(signal.SIGINT)[0]


def test_in_the_background_only_sigterm_ends_it(tmp_path: Path) -> None:
    with listening(tmp_path, before=IN_BACKGROUND) as there:
        assert ignored(there.running.pid) == {signal.SIGINT, signal.SIGHUP}
        there.running.send_signal(signal.SIGINT)
        err = there.end(signal.SIGTERM)[1]
    assert "SIGTERM ends it" in err
    assert "Ctrl-C" not in err


def test_without_a_secret_it_shows_what_arrives_and_accepts_nothing(tmp_path: Path) -> None:
    with listening(tmp_path) as there:
        assert there.signed(STANDARD_WEBHOOKS, NEW) == 401
        out, err = there.end(signal.SIGTERM)
    assert "  not verified: NotVerified: nothing was verified: no secret is held" in out
    assert '"type": "order.paid"' in out
    assert "nothing will be verified" in err
    assert "--secret-from" in err
    assert "stopped after 1 delivery: 1 not verified" in err


def test_a_status_that_was_asked_for_is_always_answered(tmp_path: Path) -> None:
    with listening(
        tmp_path, "--status", "503", "--secret-from", "env:S", "--count", "2", S=NEW
    ) as there:
        assert [there.signed(STANDARD_WEBHOOKS, one) for one in (NEW, WRONG)] == [503, 503]
        out, _ = there.end()
    assert "accepted: SignatureValid" in out
    assert "refused: SignatureMismatch" in out


def test_a_file_that_changed_is_read_again_when_a_delivery_does_not_verify(tmp_path: Path) -> None:
    file = private(tmp_path, OLD)
    with listening(tmp_path, "--secret-from", f"file:{file}", "--count", "4") as there:
        assert there.signed(STANDARD_WEBHOOKS, OLD) == 204
        file.write_text(NEW)
        assert there.signed(STANDARD_WEBHOOKS, NEW) == 204
        file.unlink()
        assert there.signed(STANDARD_WEBHOOKS, WRONG) == 401
        assert there.signed(STANDARD_WEBHOOKS, NEW) == 204  # what it held it still holds
        out, err = there.end()
    assert "cannot be read again: RC031" in err
    assert OLD[6:] not in out + err


def test_a_file_that_everybody_can_read_is_told(tmp_path: Path) -> None:
    private(tmp_path, NEW).chmod(0o644)
    with listening(tmp_path, "--secret-from", "file:secrets.txt") as there:
        assert "can be read by every user of this machine" in there.end(signal.SIGINT)[1]


def test_a_reader_that_goes_away_ends_it_without_a_traceback(tmp_path: Path) -> None:
    with listening(tmp_path) as there:
        assert there.running.stdout is not None
        assert there.running.stderr is not None
        there.running.stdout.close()
        there.send({})
        assert there.running.wait(20) == 1
        assert "Traceback" not in there.running.stderr.read()


def test_a_taken_port_is_told_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = reconciler(tmp_path, "listen", "--port", port, "--format", "json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["code"] == "RC033"
    assert f"port {port} cannot be used: Address already in use" in refused.stderr
    assert "--port" in refused.stderr.split("remedy:")[1]


# (arguments, variables, exit code, code, what is said)
MISTAKES = [
    (["--secret-from", "env:NOT_THERE"], {}, 1, "RC031", "env:NOT_THERE: the variable is not set"),
    (["--secret-from", "file:none.txt"], {}, 1, "RC031", "no such file"),
    (["--secret-from", "file:."], {}, 1, "RC031", "is a directory"),
    (["--secret-from", "file:binary"], {}, 1, "RC031", "not text"),
    (["--secret-from", "file:many"], {}, 1, "RC031", "more than 16 lines"),
    (["--secret-from", "-"], {}, 1, "RC031", "there is nothing in it"),
    (["--secret-from", "-", "--secret-from", "-"], {}, 64, "RC021", "stdin can be read once"),
    (["--secret-from", "env:S"], {"S": "canary-short"}, 1, "RC032", "does not begin with whsec_"),
    (["--secret-from", "canary-secret"], {}, 64, "RC030", "rotate it"),
    (["--secret-from", "env:canary secret"], {}, 64, "RC030", "rotate it"),
    (["--secret-from", "file:"], {}, 64, "RC030", "file:PATH"),
    (["--secret-from", f"Vault:{NEW}"], {}, 64, "RC030", "vault:ENV/CLIENT/WEBHOOK"),
    (["--secret-from", "vault:canary"], {}, 64, "RC034", "ENV/CLIENT/WEBHOOK"),
    (["--secret-from", "vault:a/b/c"], {}, 64, "RC001", "no reconciler.yaml"),
    (["--scheme", "github", "--webhook", "a/b/c"], {}, 64, "RC021", "leave out --scheme"),
    (["--scheme", "github", "--tolerance", "5m"], {}, 64, "RC021", "has no timestamp"),
    (["--tolerance", "5"], {}, 64, "RC021", "such as 90d"),
    (["--tolerance", "0s"], {}, 64, "RC021", "longer than nothing"),
    (["--status", "99"], {}, 64, "RC021", "--status"),
    (["--count", "0"], {}, 64, "RC021", "--count"),
    (["--scheme", "paypal"], {}, 64, "RC021", "standard-webhooks"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "variables", "exit_code", "code", "said"),
    MISTAKES,
    ids=[" ".join(row[0])[:40] for row in MISTAKES],
)
def test_a_mistake_is_an_error_with_a_remedy_and_repeats_no_secret(
    arguments: list[str], variables: dict[str, str], exit_code: int, code: str, said: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "many").write_text(f"{NEW}\n" * 17)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["listen", "--port", "0", *arguments]) == exit_code
    out, err = capsys.readouterr()
    assert f"error[{code}]" in err
    assert said in err
    assert "remedy: " in err
    assert out == ""
    assert "canary" not in err
    assert NEW not in err


def test_hostile_senders_do_not_end_it(tmp_path: Path) -> None:
    with listening(tmp_path, "--secret-from", "env:S", "--count", "1", S=NEW) as there:
        for raw in (
            b"\x16\x03\x01\x00\r\n\r\n",
            b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999\r\n\r\n",
            b"POST",
        ):
            with socket.create_connection(("127.0.0.1", there.port), timeout=20) as connection:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                with suppress(OSError):
                    while connection.recv(
                        65536
                    ):  # its end: what is said of it was said before that
                        pass
        chunked = http.client.HTTPConnection("127.0.0.1", there.port, timeout=20)
        chunks = [b'{"type":', b'"order.paid"}']
        headers = dict(
            sign(STANDARD_WEBHOOKS, [Secret(NEW)], "msg_abc", int(time.time()), b"".join(chunks))
        )
        chunked.request("POST", "/", iter(chunks), headers, encode_chunked=True)
        assert chunked.getresponse().status == 204
        out, err = there.end()
    assert "a request was answered 413: the body is larger than 1024 KiB" in err
    assert "Traceback" not in out + err


def test_every_scheme_can_be_listened_for() -> None:
    option = next(one for one in listen.params if one.name == "scheme")
    assert [*getattr(option.type, "choices", ())] == [*SCHEMES]
