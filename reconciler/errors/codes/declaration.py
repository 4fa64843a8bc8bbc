"""RC1xx: what the declaration can be faulted with."""

from __future__ import annotations

from reconciler.errors.codes.code import Code
from reconciler.errors.finding import Level

# Files and their text. RC100 stands for all findings of a declaration.
FILE_CODES: tuple[Code, ...] = (
    Code(
        "RC100",
        "the declaration has errors; nothing is planned from a declaration that is not valid",
        "run `reconciler validate` and fix what it lists",
        title="Declaration not valid",
    ),
    Code(
        "RC101",
        "a file or folder could not be read",
        "check that it exists and its permissions",
        title="File not readable",
    ),
    Code(
        "RC102",
        "a pipe, device, socket or folder stands where a file is expected",
        "replace it by a regular file",
        title="Not a regular file",
    ),
    Code(
        "RC103",
        "a declaration is at most 1 MiB",
        "split the file: one client a file reads best",
        title="File too large",
    ),
    Code("RC104", "the file is not UTF-8 text", "save it as UTF-8", title="Not UTF-8"),
    Code(
        "RC105",
        "a control, invisible (zero-width, filler, variation selector but that of an emoji) or"
        " direction-changing character: what is read would differ from what is shown",
        "delete the character; it does not show in most editors",
        title="Forbidden character",
    ),
    Code(
        "RC106",
        "the text is not YAML",
        "fix the line; the mistake may be on the line above",
        title="YAML syntax",
    ),
    Code(
        "RC107",
        "anchors and aliases hide what a client really gets",
        "write the value out, or move it to a template",
        title="Anchor or alias",
    ),
    Code(
        "RC108",
        "a YAML tag or directive (`%YAML`, `%TAG`) changes how a value is read",
        "remove it",
        title="Tag",
    ),
    Code(
        "RC109",
        "one of two equal fields would be lost without a word",
        "keep one of the two",
        title="Field written twice",
    ),
    Code(
        "RC110",
        "a field name must be text",
        "put the field name in quotes",
        title="Field name is not text",
    ),
    Code(
        "RC111",
        "nothing in a declaration is more than 20 levels deep",
        "flatten the structure",
        title="Nested too deeply",
    ),
    Code(
        "RC112",
        "a text looks like a key, a signing secret, a Vault token, a private key or a key of a"
        " common provider; once committed it is known",
        "remove it, revoke that credential, and let the reconciler issue one into Vault",
        title="Secret in the file",
    ),
    Code(
        "RC113",
        "a symbolic link leads out of the project, or stands for a folder",
        "replace the link by a copy",
        title="Link leaves the project",
    ),
    Code(
        "RC114",
        "there is no reconciler.yaml with a document of kind Project",
        "create one with `reconciler init`",
        title="No project",
    ),
    Code(
        "RC115",
        "the path is none of reconciler.yaml, scopes.yaml, policy.yaml, templates/*.yaml and"
        " clients/**/*.yaml",
        "name a file or folder of the declaration",
        title="Path not part of the declaration",
    ),
    Code(
        "RC116",
        "the file holds no document, so it declares nothing. What it declared before would be"
        " removed",
        "write a document or delete the file",
        title="Empty file",
    ),
    Code(
        "RC117",
        "of one file a hundred errors, and a hundred warnings and notes, are shown",
        "fix those that are shown, then validate again",
        title="More findings",
    ),
    Code(
        "RC118",
        "the file is a part of the declaration by its content or its name, and it lies where"
        " nothing is read",
        "move or rename it to where its kind belongs, or remove it",
        title="File not read",
    ),
    Code(
        "RC119",
        "the declaration has no file of a client. Git keeps no empty folder, so this may be right",
        "add a client under clients/, unless there is meant to be none",
        title="No clients",
        level=Level.NOTE,
    ),
    Code(
        "RC129",
        "`libyaml` reads this, and YAML 1.2 forbids it or reads it otherwise: two programs see"
        " two things",
        "write it as the message says",
        title="Read in two ways",
    ),
    Code(
        "RC165",
        "the file holds the marks of a merge conflict: it is two versions at once",
        "keep what is right and delete the lines that begin with <<<<<<<, ======= and >>>>>>>",
        title="Conflict marker",
    ),
)

# Documents, names and what refers to them.
DOCUMENT_CODES: tuple[Code, ...] = (
    Code(
        "RC120",
        "the document does not say in which format it is written",
        "write `apiVersion: reconciler/v1`",
        title="apiVersion",
    ),
    Code(
        "RC121",
        "the document does not say what it declares",
        "write one of Project, ScopeCatalog, GuardrailPolicy, IntegrationTemplate,"
        " IntegrationClient",
        title="Unknown kind",
    ),
    Code(
        "RC122",
        "each kind has its place: reconciler.yaml, scopes.yaml, policy.yaml, templates/ or"
        " clients/",
        "move the document to its place",
        title="Kind in the wrong place",
    ),
    Code(
        "RC123",
        "the field does not exist and would be ignored",
        "correct or remove the field; `reconciler schema` shows what exists",
        title="Unknown field",
    ),
    Code("RC124", "a field that must be there is not", "add the field", title="Missing field"),
    Code(
        "RC125",
        "the value is of another type than the field",
        "write a value of the type that is named",
        title="Wrong type",
    ),
    Code(
        "RC126",
        "the field takes one of a few values, and this is none of them",
        "write one of the values that are named",
        title="Value not allowed",
    ),
    Code(
        "RC127",
        "the text does not have the form that the field needs",
        "write it in the form that is named",
        title="Malformed text",
    ),
    Code(
        "RC128",
        "a number, or the length of a text, list or mapping, is outside its limits",
        "stay within the limits that are named",
        title="Out of range",
    ),
    Code(
        "RC130",
        "two documents declare the same thing",
        "rename or remove one of the two",
        title="Declared twice",
    ),
    Code(
        "RC131",
        "two items of a list have the same name",
        "rename or remove one of the two",
        title="Name used twice",
    ),
    Code(
        "RC132",
        "no IntegrationTemplate has this name",
        "correct the name or add the template under templates/",
        title="Unknown template",
    ),
    Code(
        "RC133",
        "the Project has no environment of this name",
        "correct the name or add the environment to reconciler.yaml",
        title="Unknown environment",
    ),
    Code(
        "RC134",
        "the ScopeCatalog does not have this scope",
        "correct the scope or add it to scopes.yaml",
        title="Unknown scope",
    ),
    Code(
        "RC135",
        "the wildcard matches no scope of the ScopeCatalog",
        "correct the wildcard or remove it",
        title="Wildcard matches nothing",
    ),
    Code(
        "RC136",
        "`metadata.renamedFrom` does not describe a rename",
        "name the client's former name, which nobody has now",
        title="Rename",
    ),
    Code(
        "RC137",
        "environments require each other in a circle, so none could ever be applied",
        "remove one `requires`",
        title="Circle of environments",
    ),
    Code(
        "RC138",
        "the team differs by a letter or two from one that owns several clients",
        "leave it as it is",
        title="Owner looks misspelt",
        level=Level.WARNING,
    ),
    Code(
        "RC139",
        "without a ScopeCatalog nobody checks that scopes exist",
        "add scopes.yaml",
        title="No scope catalogue",
        level=Level.NOTE,
    ),
    Code(
        "RC140",
        "the OpenAPI file of the ScopeCatalog cannot be used",
        "name a file of OpenAPI 3 or Swagger 2 inside the project that has OAuth flows",
        title="OpenAPI file",
    ),
    Code(
        "RC141",
        "a scope of the OpenAPI file cannot be declared by a client",
        "rename the scope",
        title="OpenAPI scope left out",
        level=Level.WARNING,
    ),
    Code(
        "RC142",
        "the client is missing in the environment that this one requires, so it can never be"
        " applied here",
        "declare it in the required environment too",
        title="Never promoted",
        level=Level.WARNING,
    ),
)

# Values of fields.
VALUE_CODES: tuple[Code, ...] = (
    Code(
        "RC150",
        "not a duration",
        "write a whole number and a unit, such as 90d, 72h, 15m or 10s",
        title="Duration",
    ),
    Code(
        "RC151",
        "a lifetime, or the time before renewal, leaves no room for a rotation",
        "make renewBefore shorter than lifetime, both longer than zero",
        title="Lifetime",
    ),
    Code(
        "RC152",
        "not a time window",
        "write for example `Mon-Fri 09:00-16:00 Europe/London`",
        title="Window",
    ),
    Code(
        "RC153",
        "the freeze has no valid beginning or end",
        "write dates such as 2026-12-24, the first before the last",
        title="Freeze",
    ),
    Code(
        "RC154",
        "not a network in CIDR notation",
        "write for example 203.0.113.0/24",
        title="Network",
    ),
    Code(
        "RC155",
        "not a URL that deliveries may be sent to",
        "write an absolute https URL without user name and fragment",
        title="Webhook URL",
    ),
    Code(
        "RC156",
        "deliveries to an http URL can be read and changed on their way. Where no network is"
        " allowed it is RC183, an error",
        "use https",
        title="Webhook without TLS",
        level=Level.WARNING,
    ),
    Code(
        "RC157",
        "after everything is merged the webhook has no URL",
        "write the url under the environment, the client or its template",
        title="Webhook without URL",
    ),
    Code(
        "RC158",
        "the client has neither keys nor webhooks",
        "declare a key or a webhook, or name a template that does",
        title="Nothing to manage",
    ),
    Code(
        "RC159",
        "deliveries cannot be signed as declared",
        "correct it as docs/webhooks.md describes the schemes",
        title="Signature",
    ),
    Code(
        "RC160",
        "the path must stay inside the project, and nothing of the declaration may lie among"
        " the audit reports",
        "write a relative path without `..`, such as audit, that is no place of the declaration",
        title="Path",
    ),
    Code(
        "RC161",
        "two mounts, or two environments, would write over each other",
        "give each its own mounts",
        title="Mounts shared",
    ),
    Code(
        "RC162",
        "the old version expires before its grace ends",
        "shorten grace or lengthen renewBefore",
        title="Grace is cut",
        level=Level.WARNING,
    ),
    Code(
        "RC163",
        "not an address of a Vault or OpenBao server, or plain http that leaves this machine",
        "write for example https://vault.example.com:8200",
        title="Vault address",
    ),
    Code(
        "RC164",
        "a channel lacks a field of its type, has one of another type, or an address that is none",
        "declare it as docs/alerts.md describes its type",
        title="Alert channel",
    ),
    Code(
        "RC167",
        "a file that the project names (`caCert`, `clientCert`, `clientKey`) cannot be used as"
        " the certificate, or the key, that it should hold. A warning for a key, and outside the"
        " project: it may be on another machine only",
        "correct the path, or put the file there",
        title="Certificate file",
    ),
    Code(
        "RC168",
        "a header that a webhook declares cannot be sent with its deliveries",
        "correct it as docs/webhooks.md describes the headers",
        title="Header",
    ),
    Code(
        "RC169",
        "a project without git declares a branch for its audit commits",
        "remove `branch`, or `git: false`",
        title="Branch",
    ),
)

# Test deliveries, and where they go.
TEST_CODES: tuple[Code, ...] = (
    Code(
        "RC166",
        "by the drafts of JSON Schema this keyword only describes: no example is refused for it",
        "say it with `pattern`, `enum` or limits where it matters",
        title="Keyword not checked",
        level=Level.NOTE,
    ),
    Code(
        "RC170",
        "the signature scheme of the webhook has no room for a probe that is asked for",
        "write `off`, leave the probe out, or choose a scheme that has room for it",
        title="Probe",
    ),
    Code(
        "RC171",
        "a test payload is declared for an event that the webhook does not receive",
        "correct the name, add it to `events`, or remove the payload",
        title="Payload of another event",
    ),
    Code(
        "RC172",
        "the JSON Schema of a test payload cannot be used",
        "correct the schema; docs/webhooks.md says what it may hold",
        title="Payload schema",
    ),
    Code(
        "RC173",
        "the example of a test payload does not conform to its JSON Schema, so a receiver could"
        " refuse it rightly",
        "correct the example, or the schema if the example is right",
        title="Payload example",
    ),
    Code(
        "RC174",
        "a test event must be smaller than 20,000 bytes, as Standard Webhooks asks",
        "shorten the example",
        title="Payload too large",
    ),
    Code(
        "RC175",
        "what an answer must hold cannot be looked up as declared",
        'write `json: {path: "$.received", equals: true}`, with a JSONPath of RFC 9535',
        title="Expected answer",
    ),
    Code(
        "RC180",
        "the host has letters that are not ASCII; DNS and certificates know it under another"
        " name, which is shown",
        "compare the name with the one that the receiver's owner gave you",
        title="International host",
        level=Level.NOTE,
    ),
    Code(
        "RC181",
        "the host has letters that look like those of another name: deliveries may go to a"
        " stranger",
        "type the name yourself, in ASCII letters; if it is meant so, leave it as it is",
        title="Host looks like another",
        level=Level.WARNING,
    ),
    Code(
        "RC182",
        "the files of `deliveries` do not go together",
        "declare clientCert and clientKey, or neither",
        title="Settings of deliveries",
    ),
    Code(
        "RC183",
        "every delivery to this URL would be refused in that environment before it is sent: its"
        " port, plain http, or its address",
        "use https at port 443, or add the receiver's network to allowedNetworks of the"
        " environment",
        title="URL out of reach",
    ),
    Code(
        "RC184",
        "git tracks the private key of the client certificate: everybody who reads the"
        " repository has it",
        "remove it from git (`git rm --cached`), have a new certificate issued, and name a key"
        " outside the repository",
        title="Private key in git",
    ),
)
DECLARATION_CODES = (*FILE_CODES, *DOCUMENT_CODES, *VALUE_CODES, *TEST_CODES)
