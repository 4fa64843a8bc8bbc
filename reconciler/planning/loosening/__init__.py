"""What a change takes back of what plans are judged by: policy rules, waivers, approvers, guarded
environments.

A check is one function and one row. Whether a loosened rule still counts for this plan is decided
here, too; whether the declaration is valid is not: that is ``declare``.
"""
