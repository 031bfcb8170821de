#!/usr/bin/env bash
# Measures what correlations cost: the first pass without and with them, and runs after a
# few new events. bench/README.md explains the rows.
#
#   bench/correlations.sh WITHOUT WITH [EVENTS]    default: 1000000 events
#
# WITHOUT and WITH are two programs, or the same one with FLAGS.
#
# HISTORIES  which: logins, one-address, addresses (default all)
# FLAGS      flags for the runs of WITHOUT, such as --correlations=false
# RUNS       how often a run after new events is measured; the median counts (default 5)
# DAYS       how long the histories last (default: a day for every 50000 events)
# OUT        folder for stores, on the medium to measure (default bench/out)
# KEEP       not empty: the stores stay, HISTORY-imported.db not yet tagged
set -euo pipefail
without=$(realpath "$1") with=$(realpath "$2") n=${3:-1000000}
cd "$(dirname "$0")/.."
out=${OUT:-bench/out} runs=${RUNS:-5} days=${DAYS:-$((n / 50000 > 0 ? n / 50000 : 1))}
mkdir -p "$out"
for program in gen measure; do go build -o "$out/$program" "./bench/$program"; done
export TTPCRON_CONFIG=/dev/null TTPCRON_LOG_LEVEL=error

figure() { tr ' ' '\n' <"$out/figures" | sed -n "s/^$1=//p"; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
# passes: the seconds that the report gives for sources and correlations.
passes() { grep -o '"elapsed_s":[0-9.]*' "$out/report" | awk -F: '{n += $2} END {print n + 0}'; }
row() { # row HISTORY STEP PROGRAM STORE SECONDS CPU ANON WRITTEN PASSES
  awk -v h="$1" -v step="$2" -v p="$3" -v db="$(stat -c %s "$4")" -v s="$5" -v c="$6" -v a="$7" -v w="$8" -v passes="$9" 'BEGIN {
    printf "| %s | %s | %s | %.3f | %.3f | %.3f | %.1f | %.2f | %.1f |\n", h, step, p, s, passes, c, a / 1048576, w / 1048576, db / 1048576 }'
}
cpu() { awk "BEGIN { print $(figure user) + $(figure system) }"; }
measured_row() { row "$1" "$2" "$3" "$4" "$(figure seconds)" "$(cpu)" "$(figure anon)" "$(figure written)" "$(passes)"; }

# run PROGRAM STORE: a run over what is new.
run() {
  local flags=()
  # shellcheck disable=SC2206 # several flags are meant
  [ "$1" != without ] || flags=(${FLAGS:-})
  "$out/measure" -o "$out/figures" "${!1}" run-once --db "$2" --json ${flags[@]+"${flags[@]}"} >"$out/report"
}

# after HISTORY STEP GEN...: runs, each after a thousand more events.
after() {
  local history=$1 step=$2 program store
  shift 2
  for program in without with; do : >"$out/$program.runs"; done
  for _ in $(seq "$runs"); do
    seed=$((seed + 1))
    for program in without with; do
      store=$out/$history-$program.db
      [ $# = 0 ] || "$out/gen" -format events -seed "$seed" "$@" | "${!program}" import --db "$store" --json events:- >"$out/report"
      run "$program" "$store"
      echo "$(figure seconds) $(cpu) $(figure anon) $(figure written) $(passes)" >>"$out/$program.runs"
    done
  done
  for program in without with; do
    row "$history" "$step" "$program" "$out/$history-$program.db" $(for i in 1 2 3 4 5; do cut -d' ' -f"$i" "$out/$program.runs" | median; done)
  done
}

seed=1000 # of the events that came last
echo "$(nproc) cores, $(uname -sr)"
echo
echo "| history | step | correlations | seconds | of them in passes | CPU s | MiB RssAnon | MiB written | MiB store |"
echo "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
for history in ${HISTORIES:-logins one-address addresses}; do
  size=$n
  [ "$history" = logins ] || size=$((n / 2)) # as many logins
  last=$(date -u -d "2026-01-01 + $((days - 1)) days" +%F)
  imported=$out/$history-imported.db
  if [ ! -e "$imported" ]; then
    rm -f "$out/importing.db"
    "$out/gen" -format events -kind "$history" -n "$size" -days "$days" |
      "$out/measure" -o "$out/figures" "$with" import --db "$out/importing.db" --json events:- >"$out/report"
    mv "$out/importing.db" "$imported"
    measured_row "$history" import - "$imported"
  fi
  for program in without with; do
    cp --reflink=auto "$imported" "$out/$history-$program.db"
    sync
    run "$program" "$out/$history-$program.db"
    measured_row "$history" "first pass" "$program" "$out/$history-$program.db"
  done
  [ -n "${KEEP:-}" ] || rm -f "$imported"
  after "$history" "nothing new"
  after "$history" "1000 newest" -kind logins -n 1000 -start "$last" -days 1
  after "$history" "1000 all over" -kind logins -n 1000 -days "$days"
  after "$history" "1000 of one address, newest" -kind one-address -n 1000 -start "$last" -days 1
  after "$history" "1000 of one address, all over" -kind one-address -n 1000 -days "$days"
  [ -n "${KEEP:-}" ] || rm -f "$out/$history-without.db" "$out/$history-with.db"
done
