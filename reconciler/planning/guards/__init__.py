"""Checks over a finished plan that can block it.

A guard is one function and one row in ``guards.GUARDS``.
"""
