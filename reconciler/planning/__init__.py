"""Decides what to do, purely: (desired, observed, now) -> plan -> guards -> plan.

A check answers *why must I act?* with a reason and a sentence, or with None. It is total, reads
nothing and relies on no other check. A chain of checks is a list literal. A new check is one
function and one row.
"""
