"""The evidence log as bytes: what an entry, a checkpoint and a key look like, and if they hold.

An entry is a signed *envelope* (DSSE) around a *statement* (in-toto, RFC 8785). The entries of one
environment are the leaves of a *tree* (RFC 6962). A *checkpoint* is a *note* (C2SP) that signs the
size and the root of the tree. Bytes go in and bytes come out: nothing here reads a file, asks
Vault or holds a private key.

Every decoder takes exactly the bytes that its encoder makes and raises ``EvidenceError`` for all
others, so that what is signed can be written in one way only.
"""
