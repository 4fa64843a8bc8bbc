"""Whether a commit may be believed: signatures, the platform's word, and what former commits
demanded."""
