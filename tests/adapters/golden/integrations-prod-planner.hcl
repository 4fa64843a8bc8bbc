# Written by reconciler bootstrap: the planner role. Changes made by hand are reported as drift.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
path "before/r/data/buckets/*" {
  capabilities = ["read"]
}
path "before/r/data/meta" {
  capabilities = ["read"]
}
path "r/config" {
  capabilities = ["read"]
}
path "r/data/applied" {
  capabilities = ["read"]
}
path "r/data/buckets/*" {
  capabilities = ["read"]
}
path "r/data/lease" {
  capabilities = ["read"]
}
path "r/data/ledger" {
  capabilities = ["read"]
}
path "r/data/log/*" {
  capabilities = ["read"]
}
path "r/data/meta" {
  capabilities = ["read"]
}
path "r/data/runs/*" {
  capabilities = ["read"]
}
path "r/metadata/log/" {
  capabilities = ["list"]
}
path "r/metadata/log/+/" {
  capabilities = ["list"]
}
path "r/metadata/runs/*" {
  capabilities = ["list", "read"]
}
path "s/config" {
  capabilities = ["read"]
}
path "s/detailed-metadata/*" {
  capabilities = ["list"]
}
path "s/metadata/*" {
  capabilities = ["list", "read"]
}
path "s/subkeys/*" {
  capabilities = ["read"]
}
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "sys/policies/acl/integrations-prod-applier" {
  capabilities = ["read"]
}
path "sys/policies/acl/integrations-prod-consumer" {
  capabilities = ["read"]
}
path "sys/policies/acl/integrations-prod-deliverer" {
  capabilities = ["read"]
}
path "sys/policies/acl/integrations-prod-planner" {
  capabilities = ["read"]
}
path "t/keys/ledger" {
  capabilities = ["read"]
}
