#!/usr/bin/env bash
# Measures what a program stores and how fast it gives it back, over made-up
# histories, so that two versions of it can be set side by side. bench/README.md
# explains the rows.
#
#   bench/stored.sh PROGRAM [COMMANDS]     default: 500000 commands
#   STEPS="real queries" bench/stored.sh ./ttpcron 4600000    ten million tags
#
# STEPS  which rows: real, queries (of the store that real made), unique, sparse,
#        whole, sensors, turns, sessions, long (default all)
# RUNS   how often a query is asked; the best counts (default 5)
# OUT    folder for stores and logs, on the medium to measure (default bench/out)
# KEEP   not empty: the store of real stays, as OUT/real.db
set -euo pipefail
tt=$(realpath "$1") n=${2:-500000}
cd "$(dirname "$0")/.."
out=${OUT:-bench/out}
mkdir -p "$out"
for program in gen measure extreme; do go build -o "$out/$program" "./bench/$program"; done
export TTPCRON_CONFIG=/dev/null TTPCRON_LOG_LEVEL=error

say() { printf '| %s | %s |\n' "$1" "$2"; }
calc() { awk "BEGIN { printf \"%.${2:-2}f\", ($1) }"; }
figure() { tr ' ' '\n' <"$out/figures" | sed -n "s/^$1=//p"; }
cpu() { calc "$(figure user) + $(figure system)" 3; }
# number NAME: a number of a report, summed over its lines.
number() { grep -o "\"$1\":[0-9]*" "$out/report" | awk -F: '{n += $2} END {print n + 0}'; }
measured() { "$out/measure" -o "$out/figures" "$tt" "$@" >"$out/report"; }
part() { sed -E "s/.*\"name\":\"$1\",\"buckets\":[0-9]*,\"records\":([0-9]*),\"data_bytes\":([0-9]*),\"bytes\":([0-9]*).*/\\$2/" "$out/stats"; }

# import_and_tag NAME LOG COMMANDS FLAG...: a store of a log, and what it cost.
import_and_tag() {
  local name=$1 log=$2 count=$3 bytes written
  shift 3
  db=$out/$name.db
  rm -f "$db"
  measured import --db "$db" --json "$log"
  bytes=$(stat -c %s "$log") written=$(figure written)
  say "$name: import, MB/s of CPU time" "$(calc "$bytes / 1e6 / $(cpu)" 1)"
  say "$name: import, MiB RssAnon" "$(calc "$(figure anon) / 1048576" 1)"
  say "$name: import, bytes written / byte of log" "$(calc "$written / $bytes")"
  measured run-once --db "$db" --since-days 3650 --json "$@"
  say "$name: first pass, commands / s" "$(calc "$count / $(figure seconds)" 0)"
  say "$name: first pass, commands / s of CPU time" "$(calc "$count / $(cpu)" 0)"
  say "$name: first pass, MiB RssAnon" "$(calc "$(figure anon) / 1048576" 1)"
  say "$name: first pass, bytes written a tag" "$(calc "$(figure written) / $(number inserted)" 1)"
  sizes "$name" "$bytes"
}

# sizes NAME BYTES: the size of a store made of so many bytes of log.
sizes() {
  local tags size
  "$tt" db stats --db "$db" --json >"$out/stats"
  tags=$(part tags 1) size=$(stat -c %s "$db")
  say "$1: tags" "$tags"
  say "$1: store / log" "$(calc "$size / $2" 3)"
  say "$1: store without free pages / log" "$(calc "($size - $(grep -o '"free_bytes":[0-9]*' "$out/stats" | cut -d: -f2)) / $2" 3)"
  say "$1: history, MiB" "$(calc "$(part history 3) / 1048576" 1)"
  say "$1: identity, MiB" "$(calc "($(part identity 3) + $(part named 3)) / 1048576" 1)"
  say "$1: tags, MiB" "$(calc "$(part tags 3) / 1048576" 1)"
  say "$1: rollups, MiB" "$(calc "$(part rollups 3) / 1048576" 1)"
  say "$1: a tag in its bucket, bytes" "$(calc "$(part tags 3) / $tags" 1)"
  say "$1: a tag in its bucket without pages, bytes" "$(calc "$(part tags 2) / $tags" 1)"
  say "$1: a tag's share of the rollups, bytes" "$(calc "$(part rollups 3) / $tags" 1)"
}

# counted keeps the first line of its input and the number of lines.
counted() {
  local line=
  if read -r line; then echo $(($(wc -l) + 1)); else echo 0; fi >"$out/lines"
  printf '%s\n' "$line" >"$out/report"
}

# query NAME ARGUMENT...: the best time of a query, and the most memory.
query() {
  local name=$1 best=9e9 least=9e9 most=0
  shift
  for _ in $(seq "${RUNS:-5}"); do
    "$out/measure" -o "$out/figures" "$tt" tags --db "$db" --json "$@" | counted
    best=$(calc "$(figure seconds) < $best ? $(figure seconds) : $best" 4)
    least=$(calc "$(cpu) < $least ? $(cpu) : $least" 4)
    most=$(calc "$(figure anon) > $most ? $(figure anon) : $most" 0)
  done
  lines=$(cat "$out/lines")
  say "$name: tags" "$lines"
  say "$name: ms, ms of CPU time" "$(calc "1000 * $best" 1), $(calc "1000 * $least" 1)"
  [ "$lines" -le 100000 ] || say "$name: tags / s, of CPU time" "$(calc "$lines / $best" 0), $(calc "$lines / $least" 0)"
  say "$name: MiB RssAnon" "$(calc "$most / 1048576" 1)"
}

echo "$n commands, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
echo
echo "| what | |"
echo "| --- | ---: |"
for step in ${STEPS:-real queries unique sparse whole sensors turns sessions long}; do
  case $step in
  real | unique | sparse)
    flags=()
    [ "$step" != sparse ] || flags=(--embedded=false --rules bench/rules)
    "$out/gen" -n "$n" -kind "${step/sparse/real}" >"$out/log.json"
    import_and_tag "$step" "$out/log.json" "$n" ${flags[@]+"${flags[@]}"}
    [ "$step" != real ] || awk -v from=$((n * 9 / 10)) 'NR >= from && /command.input/ && !done { done = 1; sub(/.*"session":"/, ""); sub(/".*/, ""); print }' "$out/log.json" >"$out/middle"
    ;;
  queries)
    db=$out/real.db
    query "newest tag" --limit 1
    newest=$(sed 's/.*"session_id":"\([^"]*\)".*/\1/' "$out/report")
    query "newest 100" --limit 100
    query "session, newest" --session "$newest"
    query "session, half-way" --session "$(cat "$out/middle")"
    query "attacker of it" --attacker "$(head -1 "$out/report" | sed 's/.*"attacker_ip":"\([^"]*\)".*/\1/')"
    query "session that is not there" --session nowhere
    RUNS=2 query "all" --limit 0
    ;;
  whole) # all that a sensor sees: so many events, most of them logins and sessions
    "$out/gen" -n $((n / 5)) -kind whole >"$out/log.json"
    import_and_tag whole "$out/log.json" $((n / 5))
    ;;
  sensors | turns) # twenty logs of the same days, imported one after the other: all
    # of them before the first pass, or each followed by a run
    db=$out/$step.db total=0 written=0 inserted=0 spent=0
    rm -f "$db"
    for sensor in $(seq 20); do
      "$out/gen" -n $((n / 20)) -days $((n / 25000 + 1)) -seed "$sensor" >"$out/log.json"
      total=$((total + $(stat -c %s "$out/log.json")))
      measured import --db "$db" --json "$out/log.json"
      [ "$step" = turns ] || [ "$sensor" = 20 ] || continue
      measured run-once --db "$db" --since-days 3650 --source command --json
      written=$((written + $(figure written))) inserted=$((inserted + $(number inserted)))
      spent=$(calc "$spent + $(cpu)" 3)
    done
    say "$step: first passes, commands / s of CPU time" "$(calc "$n / $spent" 0)"
    say "$step: first passes, MiB RssAnon" "$(calc "$(figure anon) / 1048576" 1)"
    say "$step: first passes, bytes written a tag" "$(calc "$written / $inserted" 1)"
    sizes "$step" "$total"
    ;;
  sessions)
    "$out/extreme" sessions "$n" "$out/log.json"
    import_and_tag sessions "$out/log.json" "$n"
    ;;
  long)
    "$out/extreme" long 4000000 "$out/log.json"
    import_and_tag long "$out/log.json" 100
    query "long, all"
    ;;
  esac
  rm -f "$out/log.json"
  for made in unique sparse whole sensors turns sessions long; do rm -f "$out/$made.db"; done
done
[ -n "${KEEP:-}" ] || rm -f "$out/real.db"
