# Written by reconciler bootstrap: the applier role. Changes made by hand are reported as drift.
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
  capabilities = ["create", "read", "update"]
}
path "r/data/buckets/*" {
  capabilities = ["create", "read", "update"]
}
path "r/data/lease" {
  capabilities = ["create", "read", "update"]
}
path "r/data/ledger" {
  capabilities = ["create", "read", "update"]
}
path "r/data/log/*" {
  capabilities = ["create", "read", "update"]
}
path "r/data/meta" {
  capabilities = ["read"]
}
path "r/data/runs/*" {
  capabilities = ["create", "read", "update"]
}
path "r/metadata/log/" {
  capabilities = ["list"]
}
path "r/metadata/log/+/" {
  capabilities = ["list"]
}
path "r/metadata/log/+/part-*" {
  capabilities = ["delete"]
}
path "r/metadata/runs/*" {
  capabilities = ["delete", "list", "read"]
}
path "s/config" {
  capabilities = ["read"]
}
path "s/data/keys/+" {
  capabilities = ["create", "update"]
}
path "s/data/webhooks/+" {
  capabilities = ["create", "update"]
}
path "s/destroy/*" {
  capabilities = ["update"]
}
path "s/detailed-metadata/*" {
  capabilities = ["list"]
}
path "s/metadata/*" {
  capabilities = ["list", "read", "update"]
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
path "t/keys/webhook.*" {
  capabilities = ["create", "delete", "read", "update"]
  denied_parameters = {
    allow_plaintext_backup = []
    exportable = []
  }
}
path "t/sign/ledger" {
  capabilities = ["update"]
}
