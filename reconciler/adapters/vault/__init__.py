"""Live state in Vault or OpenBao.

Reads as: ``settings`` (address, credentials from the environment) → ``auth`` (logs in) → ``live``
(answers the protocol's requests) → ``adapter`` (retries, judges the status) → ``wire`` (one HTTP
exchange) → ``connection`` (sockets and deadlines) or ``encrypted`` (TLS, proxies), ``incoming``
(the answer). ``bootstrap`` writes what ``policies`` says, ``meta`` reads what it wrote, ``doctor``
tells what is wrong.

``key_values`` has the requests that plans and runs make. What else there is in Vault's API is built
by hvac (``hvac_client``): mounts, policies, capabilities, key pairs.

hvac is at home here and costs 0.1 s to import: commands that touch no Vault import none of these
modules, and commands of every day no hvac.
"""
