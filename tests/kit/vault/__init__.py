"""Real OpenBao servers, and proxies before them: habits of HashiCorp Vault, clusters, faults."""
