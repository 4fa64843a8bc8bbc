"""What was written where, and what is wrong with it: positions, codes, wording.

Nothing here judges a document.
"""
