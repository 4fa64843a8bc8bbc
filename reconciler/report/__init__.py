"""Renders values as text: terminal, Markdown, HTML, JSON, reports for forges, the audit report.
Pure functions.

What belongs here: how a plan, a status, a run or a finding looks. What does not: the plan file
(``reconciler.engine.planfile``), deciding anything, reading anything but what this package
carries, writing a file. Every string that a person or a server wrote passes through
``reconciler.report.text.escape`` on its way out.
"""
