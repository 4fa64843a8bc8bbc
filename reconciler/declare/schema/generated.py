"""What of the schemas follows from something else: the fields of a signature from ``Scheme``, the
whole schema of a template from that of a client.

``python -m reconciler.declare.schema.generated DIRECTORY`` writes both files anew where they lie,
``schemas/`` of a checkout.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

from reconciler.declare.schema.schemas import file_name
from reconciler.domain.declared.scheme_fields import SchemeField
from reconciler.domain.declared.schemes import ALGORITHMS, CUSTOM, ED25519, FIELDS, SCHEMES

CLIENT, TEMPLATE = "IntegrationClient", "IntegrationTemplate"
# What only a client says: which template it has, whether and where it exists.
_OF_A_CLIENT = ("template", "state", "environments")


def client_schema(written: dict[str, Any]) -> dict[str, Any]:
    """``written``, the schema of a client, with all schemes and all fields of one's own."""
    schema = copy.deepcopy(written)
    signature = schema["$defs"]["webhook"]["properties"]["signature"]["properties"]
    signature["scheme"]["enum"] = [*SCHEMES, CUSTOM]
    signature["algorithm"]["enum"] = [*ALGORITHMS, ED25519]
    signature["custom"]["properties"] = {one.name: _property(one) for one in FIELDS}
    return schema


def _property(one: SchemeField) -> dict[str, Any]:
    schema = dict(one.form.schema)
    kind = {"type": schema.pop("type"), "description": one.meaning}
    default = None if one.default is None else one.form.write(one.default)
    # Nothing is no default to show; what the sentence says is not said again.
    told = {"default": default} if default and "Default:" not in one.meaning else {}
    return {**kind, **schema, "examples": [one.example], **told}


def template_schema(client: dict[str, Any]) -> dict[str, Any]:
    """The schema of a template: what ``client``, the one of a client, says of keys and webhooks, in
    the same words."""
    schema = copy.deepcopy(client)
    schema["$id"] = schema["$id"].replace("integration-client", "integration-template")
    schema["title"] = TEMPLATE
    schema["description"] = "Values that fill what the clients of one integration leave out."
    properties = schema["properties"]
    properties["kind"] |= {"const": TEMPLATE, "examples": [TEMPLATE]}
    metadata, spec = properties["metadata"], properties["spec"]
    metadata["description"] = "Identity of the template."
    metadata["properties"]["name"] |= {
        "description": "Name of the template, unique in the project.",
        "examples": ["paystack"],
    }
    del metadata["properties"]["renamedFrom"], spec["required"], schema["$defs"]["override"]
    spec["description"] = "Values for the clients that name this template."
    for field in _OF_A_CLIENT:
        del spec["properties"][field]
    return schema


def generate_schemas(directory: Path) -> dict[Path, str]:
    """What the files in ``directory`` should hold."""
    path = directory / file_name(CLIENT)
    client = client_schema(json.loads(path.read_text(encoding="utf-8")))
    schemas = {path: client, directory / file_name(TEMPLATE): template_schema(client)}
    return {
        file: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for file, schema in schemas.items()
    }


if __name__ == "__main__":
    for file, text in generate_schemas(Path(sys.argv[1])).items():
        file.write_text(text, encoding="utf-8")
