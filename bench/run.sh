#!/usr/bin/env bash
# Measures whole processes: import, first pass, replay, and a replay that looks
# every tag up, over made-up histories. bench/README.md explains the columns.
#
#   bench/run.sh [SIZE...]          default: 10000 100000 1000000
#   KINDS="real" FLAGS="--rules d" bench/run.sh 10000
#
# KINDS  which histories: real, unique, and sparse, which is real with the twenty
#        patterns of bench/rules alone
# FLAGS  more flags for run-once
# OUT    folder for stores and logs, on the medium to measure (default bench/out)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-bench/out}
mkdir -p "$out"
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$out/ttpcron" ./cmd/ttpcron
go build -o "$out/gen" ./bench/gen
go build -o "$out/measure" ./bench/measure
sizes=("$@")
[ ${#sizes[@]} -gt 0 ] || sizes=(10000 100000 1000000)
tt=$out/ttpcron
export TTPCRON_CONFIG=/dev/null TTPCRON_LOG_LEVEL=warn

# figure NAME: a figure of the last measured process.
figure() { tr ' ' '\n' <"$out/figures" | sed -n "s/^$1=//p"; }
# number NAME: a number of run-once's or import's report, summed over its lines.
number() { grep -o "\"$1\":[0-9]*" "$out/report" | awk -F: '{n += $2} END {print n + 0}'; }

row() { # row KIND SIZE STEP UNITS TAGS
  awk -v kind="$1" -v size="$2" -v step="$3" -v units="$4" -v tags="$5" -v db="$(stat -c %s "$db")" \
    -v s="$(figure seconds)" -v u="$(figure user)" -v y="$(figure system)" -v w="$(figure written)" -v a="$(figure anon)" 'BEGIN {
    printf "| %s | %d | %s | %.2f | %.2f | %d | %d | %.1f | %.1f | %.1f |\n",
      kind, size, step, s, u + y, units / s, tags, w / 1048576, a / 1048576, db / 1048576 }'
}

run_once() { # run_once KIND SIZE STEP
  local flags=${FLAGS:-}
  [ "$1" != sparse ] || flags="--embedded=false --rules bench/rules"
  # shellcheck disable=SC2086 # several flags are meant
  "$out/measure" -o "$out/figures" "$tt" run-once --db "$db" --since-days 3650 --source command --json $flags >"$out/report"
  row "$1" "$2" "$3" "$2" "$(number inserted)"
}

echo "$(go version), $(nproc) cores, $(uname -sr)"
echo
echo "| history | commands | step | seconds | CPU s | commands/s | new tags | MiB written | MiB RssAnon | MiB store |"
echo "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
for kind in ${KINDS:-sparse real unique}; do
  for size in "${sizes[@]}"; do
    log=$out/$kind-$size.json db=$out/$kind-$size.db
    rm -f "$db"
    "$out/gen" -n "$size" -kind "${kind/sparse/real}" >"$log"
    "$out/measure" -o "$out/figures" "$tt" import --db "$db" --format cowrie --json "$log" >"$out/report"
    if [ "$(number new)" != "$size" ]; then
      echo "import stored $(number new) of $size events" >&2
      exit 1
    fi
    row "$kind" "$size" import "$size" 0
    run_once "$kind" "$size" "first pass"
    run_once "$kind" "$size" "replay, covered"
    if [ "$(number inserted)" != 0 ]; then
      echo "a replay inserted $(number inserted) tags" >&2
      exit 1
    fi
    # Without the mark that says what was covered, every tag is looked up.
    "$tt" checkpoint reset --db "$db" >/dev/null
    run_once "$kind" "$size" "replay, looked up"
    if [ "$(number inserted)" != 0 ]; then
      echo "a replay without its checkpoint inserted $(number inserted) tags" >&2
      exit 1
    fi
    rm -f "$log"
    [ -n "${KEEP:-}" ] || rm -f "$db"
  done
done
