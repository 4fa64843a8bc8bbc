"""Which files belong to a declaration, and what each of them declares.

Their contents are judged elsewhere.
"""
