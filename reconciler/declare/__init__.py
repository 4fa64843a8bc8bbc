"""YAML text → documents → desired state, with a position for everything that was written.

What belongs here: how a declaration is read, judged and resolved. What does not: live state, plans.
The way through: ``files`` (bytes) → ``text`` (strict YAML) → ``documents`` (kind and schema) →
``project``, ``catalogue``, ``policy``, ``spec`` and ``references`` (what a schema cannot say) →
``clients`` (merge) → ``repository`` (the entry points).
"""

from reconciler.declare.files.files import find_project
from reconciler.declare.repository import load, load_project, validate
from reconciler.declare.schema.schemas import KINDS, read_schema

__all__ = ["KINDS", "find_project", "load", "load_project", "read_schema", "validate"]
