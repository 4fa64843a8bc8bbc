"""Live state in Vault or OpenBao.

Reads as: ``settings`` (address, credentials from the environment) → ``auth`` (logs in) → ``live``
(answers the protocol's requests) → ``adapter`` (retries, judges the status) → ``wire`` (one HTTP
exchange). ``bootstrap`` writes what ``policies`` says, ``meta`` reads what it wrote, ``doctor``
tells what is wrong.

hvac and urllib3 are at home here and cost 0.2 s to import: commands that touch no Vault import none
of these modules.
"""
