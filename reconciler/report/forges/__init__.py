"""Findings and plans in the formats of GitHub, GitLab and their kind."""
