# Written by reconciler bootstrap: the deliverer role. Changes made by hand are reported as drift.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
path "s/data/keys/*" {
  capabilities = ["read"]
  max_wrapping_ttl = "24h"
  min_wrapping_ttl = "1s"
}
path "s/data/webhooks/+" {
  capabilities = ["read"]
}
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "t/sign/webhook.*" {
  capabilities = ["update"]
}
