"""The registry and its protocol, without I/O: codecs for records and buckets, and the
claim, write, commit protocol as generators that yield requests and receive responses."""
