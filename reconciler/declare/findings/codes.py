"""Every code a declaration can be faulted with: one table, also the source of the page of error
codes."""

from __future__ import annotations

from reconciler.declare.findings.file_codes import FILE_CODES
from reconciler.declare.findings.policy_codes import POLICY_CODES, Code
from reconciler.errors import Level

INVALID = "RC100"

CODES: dict[str, Code] = {
    INVALID: Code(
        "Declaration not valid",
        "The declaration has errors; nothing is planned from a declaration that is not valid.",
        "run `reconciler validate` and fix what it lists",
    ),
    **FILE_CODES,
    # Documents
    "RC120": Code(
        "apiVersion",
        "The document does not say in which format it is written.",
        "write `apiVersion: reconciler/v1`",
    ),
    "RC121": Code(
        "Unknown kind",
        "The document does not say what it declares.",
        "write one of Project, ScopeCatalog, GuardrailPolicy, IntegrationTemplate,"
        " IntegrationClient",
    ),
    "RC122": Code(
        "Kind in the wrong place",
        "Each kind has its place: reconciler.yaml, scopes.yaml, policy.yaml, templates/ or"
        " clients/.",
        "move the document to its place",
    ),
    "RC123": Code(
        "Unknown field",
        "The field does not exist and would be ignored.",
        "correct or remove the field; `reconciler schema` shows what exists",
    ),
    "RC124": Code("Missing field", "A field that must be there is not.", "add the field"),
    "RC125": Code(
        "Wrong type",
        "The value is of another type than the field.",
        "write a value of the type that is named",
    ),
    "RC126": Code(
        "Value not allowed",
        "The field takes one of a few values, and this is none of them.",
        "write one of the values that are named",
    ),
    "RC127": Code(
        "Malformed text",
        "The text does not have the form that the field needs.",
        "write it in the form that is named",
    ),
    "RC128": Code(
        "Out of range",
        "A number, or the length of a text, list or mapping, is outside its limits.",
        "stay within the limits that are named",
    ),
    # Names and references
    "RC130": Code(
        "Declared twice", "Two documents declare the same thing.", "rename or remove one of the two"
    ),
    "RC131": Code(
        "Name used twice",
        "Two items of a list have the same name.",
        "rename or remove one of the two",
    ),
    "RC132": Code(
        "Unknown template",
        "No IntegrationTemplate has this name.",
        "correct the name or add the template under templates/",
    ),
    "RC133": Code(
        "Unknown environment",
        "The Project has no environment of this name.",
        "correct the name or add the environment to reconciler.yaml",
    ),
    "RC134": Code(
        "Unknown scope",
        "The ScopeCatalog does not have this scope.",
        "correct the scope or add it to scopes.yaml",
    ),
    "RC135": Code(
        "Wildcard matches nothing",
        "The wildcard matches no scope of the ScopeCatalog.",
        "correct the wildcard or remove it",
    ),
    "RC136": Code(
        "Rename",
        "metadata.renamedFrom does not describe a rename.",
        "name the client's former name, which nobody has now",
    ),
    "RC137": Code(
        "Circle of environments",
        "Environments require each other in a circle, so none could ever be applied.",
        "remove one `requires`",
    ),
    "RC138": Code(
        "Owner looks misspelt",
        "The team differs by a letter or two from one that owns several clients.",
        "leave it as it is",
        Level.WARNING,
    ),
    "RC139": Code(
        "No scope catalogue",
        "Without a ScopeCatalog nobody checks that scopes exist.",
        "add scopes.yaml",
        Level.NOTE,
    ),
    "RC140": Code(
        "OpenAPI file",
        "The OpenAPI file of the ScopeCatalog cannot be used.",
        "name a file of OpenAPI 3 or Swagger 2 inside the project that has OAuth flows",
    ),
    "RC141": Code(
        "OpenAPI scope left out",
        "A scope of the OpenAPI file cannot be declared by a client.",
        "rename the scope",
        Level.WARNING,
    ),
    "RC142": Code(
        "Never promoted",
        "The client is missing in the environment that this one requires, so it can never be"
        " applied here.",
        "declare it in the required environment too",
        Level.WARNING,
    ),
    # Values
    "RC150": Code(
        "Duration",
        "Not a duration.",
        "write a whole number and a unit, such as 90d, 72h, 15m or 10s",
    ),
    "RC151": Code(
        "Lifetime",
        "A lifetime, or the time before renewal, leaves no room for a rotation.",
        "make renewBefore shorter than lifetime, both longer than zero",
    ),
    "RC152": Code(
        "Window", "Not a time window.", "write for example `Mon-Fri 09:00-16:00 Europe/London`"
    ),
    "RC153": Code(
        "Freeze",
        "The freeze has no valid beginning or end.",
        "write dates such as 2026-12-24, the first before the last",
    ),
    "RC154": Code("Network", "Not a network in CIDR notation.", "write for example 203.0.113.0/24"),
    "RC155": Code(
        "Webhook URL",
        "Not a URL that deliveries may be sent to.",
        "write an absolute https URL without user name and fragment",
    ),
    "RC156": Code(
        "Webhook without TLS",
        "Deliveries to an http URL can be read and changed on their way.",
        "use https",
        Level.WARNING,
    ),
    "RC157": Code(
        "Webhook without URL",
        "After everything is merged the webhook has no URL.",
        "write the url under the environment, the client or its template",
    ),
    "RC158": Code(
        "Nothing to manage",
        "The client has neither keys nor webhooks.",
        "declare a key or a webhook, or name a template that does",
    ),
    "RC159": Code(
        "Signature",
        "Deliveries cannot be signed as declared.",
        "correct it as docs/webhooks.md describes the schemes",
    ),
    "RC160": Code(
        "Path",
        "The path must stay inside the project, and nothing of the declaration may lie among the"
        " audit reports.",
        "write a relative path without `..`, such as audit, that is no place of the declaration",
    ),
    "RC161": Code(
        "Mounts shared",
        "Two mounts, or two environments, would write over each other.",
        "give each its own mounts",
    ),
    "RC162": Code(
        "Grace is cut",
        "The old version expires before its grace ends.",
        "shorten grace or lengthen renewBefore",
        Level.WARNING,
    ),
    "RC163": Code(
        "Vault address",
        "Not an address of a Vault or OpenBao server, or plain http that leaves this machine.",
        "write for example https://vault.example.com:8200",
    ),
    "RC164": Code(
        "Alert channel",
        "A channel lacks a field of its type, has one of another type, or an address that is none.",
        "declare it as docs/alerts.md describes its type",
    ),
    "RC167": Code(
        "Certificate file",
        "A file that the project names cannot be used as the certificate, or the key, that it"
        " should hold.",
        "correct the path, or put the file there",
    ),
    "RC168": Code(
        "Header",
        "A header that a webhook declares cannot be sent with its deliveries.",
        "correct it as docs/webhooks.md describes the headers",
    ),
    # Test deliveries
    "RC166": Code(
        "Keyword not checked",
        "By the drafts of JSON Schema this keyword only describes: no example is refused for it.",
        "say it with `pattern`, `enum` or limits where it matters",
        Level.NOTE,
    ),
    "RC170": Code(
        "Probe",
        "The signature scheme of the webhook has no room for a probe that is asked for.",
        "write `off`, leave the probe out, or choose a scheme that has room for it",
    ),
    "RC171": Code(
        "Payload of another event",
        "A test payload is declared for an event that the webhook does not receive.",
        "correct the name, add it to `events`, or remove the payload",
    ),
    "RC172": Code(
        "Payload schema",
        "The JSON Schema of a test payload cannot be used.",
        "correct the schema; docs/webhooks.md says what it may hold",
    ),
    "RC173": Code(
        "Payload example",
        "The example of a test payload does not conform to its JSON Schema, so a receiver could"
        " refuse it rightly.",
        "correct the example, or the schema if the example is right",
    ),
    "RC174": Code(
        "Payload too large",
        "A test event must be smaller than 20,000 bytes, as Standard Webhooks asks.",
        "shorten the example",
    ),
    "RC175": Code(
        "Expected answer",
        "What an answer must hold cannot be looked up as declared.",
        'write `json: {path: "$.received", equals: true}`, with a JSONPath of RFC 9535',
    ),
    # Where deliveries go
    "RC180": Code(
        "International host",
        "The host has letters that are not ASCII; DNS and certificates know it under another name.",
        "compare the name with the one that the receiver's owner gave you",
        Level.NOTE,
    ),
    "RC181": Code(
        "Host looks like another",
        "The host has letters that look like those of another name: deliveries may go to a"
        " stranger.",
        "type the name yourself, in ASCII letters; if it is meant so, leave it as it is",
        Level.WARNING,
    ),
    "RC182": Code(
        "Settings of deliveries",
        "The files of `deliveries` do not go together.",
        "declare clientCert and clientKey, or neither",
    ),
    "RC183": Code(
        "URL out of reach",
        "Every delivery to this URL would be refused in that environment before it is sent.",
        "use https at port 443, or add the receiver's network to allowedNetworks of the"
        " environment",
    ),
    "RC184": Code(
        "Private key in git",
        "git tracks the private key of the client certificate: everybody who reads the repository"
        " has it.",
        "remove it from git (`git rm --cached`), have a new certificate issued, and name a key"
        " outside the repository",
    ),
    **POLICY_CODES,
}
