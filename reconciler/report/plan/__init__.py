"""A plan, for each of its readers: one module a format.

Wording that formats share is in ``words``.
"""
