# A look at the evidence log of each environment: a log that only grew is cosigned, and what was seen
# is committed here. `sh -e witness.sh` in a clone of this repository, with the variables
#
#   LOG_REPOSITORY  where the project is cloned from
#   PROJECT         where reconciler.yaml lies in it; default: at the top
#   ENVIRONMENTS    whose logs, separated by spaces
#   WITNESS_KEY     the line of the private key
#   LOG_TOKEN       a token that may read the project, for https; empty where everybody may
#
# What was seen and the cosignature leave in one push: none is ever shown that is not remembered.
set -eu
umask 077
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' HUP INT TERM
printf '%s\n' "${WITNESS_KEY:?the secret WITNESS_KEY is not set}" > "$scratch/key"
unset WITNESS_KEY

# The token is given to the server of the project alone, whatever the project names.
server=$(printf '%s\n' "$LOG_REPOSITORY" | sed -E 's#^(https://[^/]+)/.*#\1#')
GIT_LFS_SKIP_SMUDGE=1 GIT_TERMINAL_PROMPT=0 git -c http.followRedirects=false \
  -c "credential.$server.helper=!f() { test \"\$1\" = get && test -n \"\$LOG_TOKEN\" && echo username=witness && echo \"password=\$LOG_TOKEN\"; }; f" \
  clone --quiet --depth 1 -- "$LOG_REPOSITORY" "$scratch/project"
unset LOG_TOKEN

verdict=0
for environment in $ENVIRONMENTS; do
  set -- --key "$scratch/key" --state "$environment/seen.json" --log-key "$environment/log.vkey"
  if reconciler --project "$scratch/project/${PROJECT:-.}" audit witness -e "$environment" "$@" > "$scratch/checkpoint"; then
    cat "$scratch/checkpoint" > "$environment/checkpoint"
    git add -- "$environment/seen.json" "$environment/checkpoint"
  else
    echo "$environment was not cosigned" >&2
    verdict=1 # and the others are looked at
  fi
done
git diff --cached --quiet || git commit --quiet --message "Seen: $ENVIRONMENTS"
git push --quiet origin HEAD
exit "$verdict"
