"""The files of certificates and keys that a project names: whether they are there, and whether git
has a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from reconciler.declare.files.documents import read_documents
from reconciler.declare.files.files import is_inside, project_files, read_regular
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map, Mark
from reconciler.errors import Finding, Level

_CODES = ("RC167", "RC184")
_LARGEST = 1 << 20  # bytes; the bundles of public authorities have a quarter of that
_PEM = b"-----BEGIN CERTIFICATE-----"


def certificate_findings(root: Path, tracked: Callable[[Path], bool]) -> list[Finding]:
    """RC167 for each file of a certificate or key that cannot be used, RC184 for each key that git
    has.

    ``tracked`` says whether git has a file: only who may ask git can tell. What lies inside the
    project must be there; what lies outside, and a key, may be on another machine only, which is a
    warning.
    """
    found = Collector()
    for path in project_files(root, found):
        for document in read_documents(root, path, "Project", found)[0]:
            for field, text, mark in _list_named(document.spec):
                secret = field == "clientKey"
                if secret and tracked(root / text):
                    found.add("RC184", mark, f"git tracks the private key `{text}`")
                fault = _fault(root / text, secret=secret)
                if fault:
                    elsewhere = secret or not is_inside(text)
                    level = Level.WARNING if elsewhere else Level.ERROR
                    found.add("RC167", mark, f"{field} names `{text}`: {fault}", level=level)
    return [finding for finding in found.findings() if finding.code in _CODES]


def _list_named(spec: Map) -> Iterator[tuple[str, str, Mark]]:
    """Field, path and place of each file that is named."""
    environments = spec.sub("environments")
    holders = [item.sub("smtp") for item in spec.list_named("alerts")]
    for name in environments:
        holders += [environments.sub(name).sub("vault"), environments.sub(name).sub("deliveries")]
    for holder in holders:
        for field in ("caCert", "clientCert", "clientKey"):
            if isinstance(holder.get(field), str):
                yield field, holder[field], holder.marks[field]


def _fault(
    path: Path,
    *,
    secret: bool,
) -> str:
    """Why a file cannot be used; empty when it can. Of a key only that it is there is asked."""
    try:
        if secret:
            return "" if path.is_file() else "there is no such file on this machine"
        data = read_regular(path, _LARGEST)
    except OSError as error:
        return f"it cannot be read: {error.strerror or 'not a file'}"
    except ValueError:
        return "this is no name of a file"
    if data is None:
        return "it is not a regular file"
    return "" if _PEM in data else "it holds no certificate in PEM form"
