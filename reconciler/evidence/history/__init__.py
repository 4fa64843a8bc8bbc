"""What a log tells of the past: runs and their changes, and the lives of credentials.

Entries say what happened, to what and when; the reports that they name say why, by whom, and which
key it was. A report may be gone (names of people can be erased); the entry stays. Nothing here
verifies a signature.
"""
