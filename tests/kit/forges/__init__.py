"""GitHub and GitLab on loopback, their runners, their tokens, and judges of what they read."""
