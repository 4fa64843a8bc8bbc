"""The codes of files and texts, RC101 to RC119, RC129 and RC165. Part of the table of ``codes``."""

from __future__ import annotations

from reconciler.declare.findings.policy_codes import Code
from reconciler.errors import Level

FILE_CODES: dict[str, Code] = {
    "RC101": Code(
        "File not readable",
        "A file or folder could not be read.",
        "check that it exists and its permissions",
    ),
    "RC102": Code(
        "Not a regular file",
        "A pipe, device, socket or folder stands where a file is expected.",
        "replace it by a regular file",
    ),
    "RC103": Code(
        "File too large",
        "A declaration is at most 1 MiB.",
        "split the file: one client a file reads best",
    ),
    "RC104": Code("Not UTF-8", "The file is not UTF-8 text.", "save it as UTF-8"),
    "RC105": Code(
        "Forbidden character",
        "A control, zero-width or direction-changing character: what is read would differ from what"
        " is shown.",
        "delete the character; it does not show in most editors",
    ),
    "RC106": Code(
        "YAML syntax", "The text is not YAML.", "fix the line; the mistake may be on the line above"
    ),
    "RC107": Code(
        "Anchor or alias",
        "Anchors and aliases hide what a client really gets.",
        "write the value out, or move it to a template",
    ),
    "RC108": Code(
        "Tag", "A YAML tag or directive (`%YAML`, `%TAG`) changes how a value is read.", "remove it"
    ),
    "RC109": Code(
        "Field written twice",
        "One of two equal fields would be lost without a word.",
        "keep one of the two",
    ),
    "RC110": Code(
        "Field name is not text", "A field name must be text.", "put the field name in quotes"
    ),
    "RC111": Code(
        "Nested too deeply",
        "Nothing in a declaration is more than 20 levels deep.",
        "flatten the structure",
    ),
    "RC112": Code(
        "Secret in the file",
        "A text looks like a key, a signing secret, a Vault token or a private key; once committed"
        " it is known.",
        "remove it, revoke that credential, and let the reconciler issue one into Vault",
    ),
    "RC113": Code(
        "Link leaves the project",
        "A symbolic link leads out of the project, or stands for a folder.",
        "replace the link by a copy",
    ),
    "RC114": Code(
        "No project",
        "There is no reconciler.yaml with a document of kind Project.",
        "create one with `reconciler init`",
    ),
    "RC115": Code(
        "Path not part of the declaration",
        "The path is none of reconciler.yaml, scopes.yaml, policy.yaml, templates/*.yaml and"
        " clients/**/*.yaml.",
        "name a file or folder of the declaration",
    ),
    "RC116": Code(
        "Empty file",
        "The file holds no document, so it declares nothing. What it declared before would be"
        " removed.",
        "write a document or delete the file",
    ),
    "RC117": Code(
        "More findings",
        "Of one file a hundred errors, and a hundred warnings and notes, are shown.",
        "fix those that are shown, then validate again",
    ),
    "RC118": Code(
        "File not read",
        "The file is a part of the declaration by its content or its name, and it lies where"
        " nothing is read.",
        "move or rename it to where its kind belongs, or remove it",
    ),
    "RC119": Code(
        "No clients",
        "The declaration has no file of a client. Git keeps no empty folder, so this may be right.",
        "add a client under clients/, unless there is meant to be none",
        Level.NOTE,
    ),
    "RC129": Code(
        "Read in two ways",
        "libyaml reads this, and YAML 1.2 forbids it or reads it otherwise: two programs see two"
        " things.",
        "write it as the message says",
    ),
    "RC165": Code(
        "Conflict marker",
        "The file holds the marks of a merge conflict: it is two versions at once.",
        "keep what is right and delete the lines that begin with <<<<<<<, ======= and >>>>>>>",
    ),
}
