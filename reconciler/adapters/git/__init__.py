"""Runs git in the repository that holds the declaration and the reports."""
