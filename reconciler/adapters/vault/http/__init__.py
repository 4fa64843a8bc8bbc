"""One exchange with Vault: paths, requests, retries, answers and their errors.

Knows no record and no client.
"""
