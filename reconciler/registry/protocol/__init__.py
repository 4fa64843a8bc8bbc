"""Claim, write, commit: generators that yield requests and are sent answers.

Start with ``protocol``.
"""
