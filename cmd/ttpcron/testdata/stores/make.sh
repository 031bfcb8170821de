#!/bin/bash
# Makes a store as the program of a commit writes it, and what that program prints of
# it. See README.md.
#
#   make.sh COMMIT NAME     # NAME.db.gz, NAME.tags.jsonl.gz, NAME.events.jsonl.gz …
#
# PROGRAM names a program of that commit that is built already.
set -euo pipefail
commit=$1 name=$2 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'git -C "$here" worktree remove --force "$work/src" 2>/dev/null || true; rm -rf "$work"' EXIT
if [ -z "${PROGRAM:-}" ]; then
  git -C "$here" worktree add --detach "$work/src" "$commit" >/dev/null 2>&1
  PROGRAM=$work/ttpcron
  (cd "$work/src" && GOFLAGS=-mod=mod go build -o "$PROGRAM" ./cmd/ttpcron)
fi
cd "$work"
cp -r "$here/input/." .
export HOME=$work TTPCRON_DB=$work/t.db TTPCRON_EMBEDDED=false TTPCRON_RULES=$work/rules TTPCRON_LOG_LEVEL=error
unset XDG_CONFIG_HOME XDG_STATE_HOME
ttpcron() { "$PROGRAM" "$@" >/dev/null; }

ttpcron import events.jsonl cowrie.json
ttpcron run-once --since-days 3650
ttpcron rules retire OLD3@1 --reason "matches ourselves"
ttpcron rules state set OLD2 clipped=0.5 --reason "noisy"
ttpcron import late.jsonl # tagged by no run

"$PROGRAM" tags --json --limit 0 >tags.jsonl
"$PROGRAM" export-events >events.jsonl
"$PROGRAM" import --rejected --json >rejected.jsonl
"$PROGRAM" checkpoint show --json >checkpoint.jsonl 2>/dev/null || "$PROGRAM" status --json >checkpoint.jsonl
"$PROGRAM" db check >/dev/null
gzip -9n <t.db >"$here/$name.db.gz"
for f in tags events rejected checkpoint; do gzip -9n <$f.jsonl >"$here/$name.$f.jsonl.gz"; done
ls -l "$here/$name".*
