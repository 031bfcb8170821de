#!/usr/bin/env bash
# Measures the most memory of its own (RssAnon) that every command takes over
# stores that are large in one respect alone. bench/README.md says more.
#
#   bench/memory.sh [SHAPE:N...]     default: all shapes, at their long form
#
# OUT     folder for inputs and stores (default bench/out)
# TT      program to measure (default: built from here)
# DAEMON  empty: without the part beside a daemon
set -uo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-bench/out}
mkdir -p "$out"
tt=${TT:-$out/ttpcron}
[ -n "${TT:-}" ] || CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$tt" ./cmd/ttpcron || exit 1
go build -o "$out/extreme" ./bench/extreme && go build -o "$out/measure" ./bench/measure || exit 1
shapes=("$@")
[ ${#shapes[@]} -gt 0 ] || shapes=(attackers:2000000 oneday:2000000 instant:2000000 users:500000 days:200000 kinds:20000 fields:100000 row:170000 wide:3000000 long:1000000 rules:9000 files:50000)
export TTPCRON_CONFIG=/dev/null TTPCRON_LOG_LEVEL=error

mib() { awk -v n="$1" 'BEGIN {printf "%.0f", n / 1048576}'; }
seconds() { tr ' ' '\n' <"$out/figures" | sed -n 's/^seconds=//p'; }
peak() { tr ' ' '\n' <"$out/figures" | sed -n 's/^anon=//p'; }

# run STEP ARGUMENT...: one line of the table.
run() {
  local step=$1
  shift
  "$out/measure" -o "$out/figures" "$tt" "$@" >"$out/stdout" 2>"$out/stderr"
  local code=$?
  printf '| %s | %s | %s | %s | %s |\n' "$shape" "$step" "$(mib "$(peak)")" "$(seconds)" \
    "$([ $code = 0 ] || echo "exit $code: $(head -c 120 "$out/stderr" | head -1)")"
}

# readers: every command that looks at the store, wherever it is.
readers() {
  run "$1 status" status --db "$db" --json
  run "$1 tags" tags --db "$db" --json
  run "$1 tags table" tags --db "$db" --limit 0
  run "$1 tags --attacker" tags --db "$db" --json --attacker 10.0.0.7
  run "$1 tags --session" tags --db "$db" --json --session session-7
  run "$1 tags --since" tags --db "$db" --json --since 2026-06-20
  local uuid
  uuid=$("$tt" tags --db "$db" --json --limit 1 | grep -o '"uuid":"[^"]*"' | head -1 | cut -d'"' -f4)
  [ -z "$uuid" ] || run "$1 explain --tag" explain --db "$db" --tag "$uuid"
  run "$1 rules noise" rules noise --db "$db"
  run "$1 rules untagged" rules untagged --db "$db"
  run "$1 rules noise --replay" rules noise --db "$db" --replay
  run "$1 export-events" export-events --db "$db"
  run "$1 db stats" db stats --db "$db"
  run "$1 db check" db check --db "$db"
  run "$1 db backup" db backup --db "$db" --replace "$out/backup.db"
  run "$1 db prune --dry-run" db prune --db "$db" --keep-events 160d --keep-tags 160d --yes --dry-run
}

# anon PID: memory of its own, and the most that any moment showed.
anon() { awk '/^RssAnon/ {print $2 * 1024}' "/proc/$1/status"; }

daemon() {
  "$out/measure" -o "$out/daemon" "$tt" daemon --db "$db" --spread 0s ${log:+--input "$log"} ${rules[@]+"${rules[@]}"} 2>"$out/daemon.log" &
  local watcher=$! pid
  for _ in $(seq 600); do
    sleep 0.5
    [ -S "${db}.sock" ] && break
  done
  pid=$(pgrep -P "$watcher")
  sleep 30
  printf '| %s | %s | %s | | |\n' "$shape" "daemon, idle" "$(mib "$(anon "$pid")")"
  readers "asking a daemon:"
  run "asking a daemon: run-once" run-once --db "$db" ${rules[@]+"${rules[@]}"} --since-days 3650
  kill "$pid"
  wait "$watcher"
  printf '| %s | %s | %s | | |\n' "$shape" "daemon, at most" "$(mib "$(tr ' ' '\n' <"$out/daemon" | sed -n 's/^anon=//p')")"
}

echo "| shape | step | MiB RssAnon | seconds | |"
echo "| --- | --- | ---: | ---: | --- |"
for shape in "${shapes[@]}"; do
  kind=${shape%%:*} n=${shape##*:} db=$out/extreme.db log=$out/extreme-input rules=()
  rm -rf "$log" "$db" "$db".* "$out"/recovered.db
  "$out/extreme" "$kind" "$n" "$log" || exit 1
  if [ "$kind" = rules ]; then
    rules=(--rules "$log") log=
    echo '{"source_kind":"command","time":"2026-06-30T00:00:00Z","attacker_ip":"192.0.2.1","payload":{"command_text":"program7 start; uname -a"}}' >"$out/one.json"
    run import import --db "$db" "$out/one.json"
    run "rules list" rules list "${rules[@]}"
    run "rules check" rules check "${rules[@]}"
  else
    run import import --db "$db" "$log"
    run "import again" import --db "$db" "$log"
  fi
  "$tt" checkpoint set --db "$db" 0 >/dev/null
  run "run-once, first pass" run-once --db "$db" ${rules[@]+"${rules[@]}"} --source all
  "$tt" checkpoint set --db "$db" 0 >/dev/null
  run "run-once, replay" run-once --db "$db" ${rules[@]+"${rules[@]}"} --source all
  run "run-once, window" run-once --db "$db" ${rules[@]+"${rules[@]}"} --source all --since-days 3650
  readers ""
  run "db recover" db recover --db "$db" "$out/recovered.db"
  [ -z "${DAEMON-1}" ] || daemon
  "$tt" rules retire --db "$db" TC1001 --reason measuring >/dev/null 2>&1
  run "db compact" db compact --db "$db"
  run "db prune" db prune --db "$db" --keep-events 160d --keep-tags 160d --yes
done
