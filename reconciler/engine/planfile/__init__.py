"""The plan file: how it is written and read, whether the plan that was reviewed may still be
applied, and how one that was interrupted goes on.

``plan --format json`` prints the same document. What a plan looks like to people is in ``report``.
"""
