"""Signing deliveries and verifying them.

Schemes are rows of ``reconciler.domain.declared.schemes``.
"""
