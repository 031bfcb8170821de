#!/usr/bin/env bash
# Times each answer and each export as a whole process, over a store of about a million
# tags of commands and logins, as a table. bench/README.md explains the columns.
#
#   bench/answers.sh PROGRAM [EVENTS]     default: 1000000 events, about as many tags
#
# RUNS   how often each is run; the best time counts, and the most memory (default 3)
# OUT    folder for the log, the store and what is exported (default bench/out)
# KEEP   not empty: the store stays, as OUT/answers.db, and one that is there is used
set -euo pipefail
tt=$(realpath "$1") n=${2:-1000000}
cd "$(dirname "$0")/.."
out=${OUT:-bench/out} runs=${RUNS:-3}
mkdir -p "$out"
for program in gen measure; do go build -o "$out/$program" "./bench/$program"; done
export TTPCRON_CONFIG=/dev/null TTPCRON_LOG_LEVEL=error
db=$out/answers.db

if [ ! -e "$db" ]; then
  "$out/gen" -kind logins -n "$n" -days 30 >"$out/answers.json"
  "$tt" import --db "$db" "$out/answers.json" >/dev/null
  "$tt" run-once --db "$db" --since-days 3650 >/dev/null
  rm "$out/answers.json"
fi

# row NAME ARGUMENT...: runs it, with its output in a file, or where it writes one in
# $out/export.
row() {
  local name=$1
  shift
  : >"$out/figures.all"
  for _ in $(seq "$runs"); do
    rm -rf "$out/export"
    "$out/measure" -o "$out/figures" "$tt" "$@" --db "$db" >"$out/answer" 2>"$out/notes" ||
      [[ $name = *unknown ]] || { echo "$name failed:" >&2; cat "$out/notes" >&2; exit 1; }
    cat "$out/figures" >>"$out/figures.all"
  done
  local size
  size=$(du -scb "$out/answer" $([ -e "$out/export" ] && echo "$out/export") | awk 'END {print $1}')
  tr '=' ' ' <"$out/figures.all" | awk -v name="$name" -v size="$size" '
    NR == 1 || $2 < wall { wall = $2 }
    NR == 1 || $4 + $6 < cpu { cpu = $4 + $6 }
    $10 > anon { anon = $10 }
    END { printf "| %s | %.2f | %.2f | %.0f | %.1f |\n", name, wall, cpu, anon / 1048576, size / 1e6 }'
}

# The busiest attacker, and the session of one of the newest tags.
"$tt" attackers --db "$db" --limit 1 --json >"$out/answer"
address=$(sed -nE '1 s/.*"attacker":"([^"]*)".*/\1/p' "$out/answer")
"$tt" tags --db "$db" --limit 1000 --json >"$out/answer"
session=$(sed -nE 's/.*"session_id":"([^"]*)".*/\1/p' "$out/answer" | sed -n 1p)

echo '| command | wall s | CPU s | RssAnon MiB | MB |'
echo '| --- | ---: | ---: | ---: | ---: |'
row 'tags, newest 100' tags --limit 100
row 'tags --json' tags --json
row 'tags --csv' tags --csv
for answer in attackers sessions techniques sensors credentials files summary; do row "$answer" "$answer"; done
row 'session ID' session "$session"
row 'session ID, unknown' session 0123456789ab
row 'attacker ADDRESS, the busiest' attacker "$address"
for format in jsonl csv ecs ocsf timesketch navigator stix misp decnet; do row "export $format" export --format "$format"; done
row 'export parquet' export --format parquet --output "$out/export"
row 'export attack-flow' export --format attack-flow --session "$session"
rm -rf "$out/export" "$out/answer" "$out/notes" "$out/figures" "$out/figures.all"
[ -n "${KEEP:-}" ] || rm -f "$db"
