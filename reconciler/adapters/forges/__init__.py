"""The APIs of forges. What is said there is rendered in ``reconciler.report.forges``."""
