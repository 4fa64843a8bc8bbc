"""How dangerous an action is, and why.

A rule is one function and one row in ``risk.RULES``; a rule explains, it never blocks.
"""
