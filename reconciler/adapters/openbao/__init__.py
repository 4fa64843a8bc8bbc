"""An OpenBao or Vault server of one's own on loopback: throw-away or durable."""
