#!/usr/bin/env bash
# Measures how fast a program imports a log that comes in other forms, and in how much
# memory, against the plain log of the same records. bench/README.md explains it.
#
#   bench/wrapped.sh PROGRAM [COMMANDS]     default: 60000 commands
#
# OUT    folder for logs and stores (default bench/out)
# Forms whose tools are missing (jq, zstd, xz, bzip2, iconv) are left out.
set -euo pipefail
tt=$(realpath "$1") n=${2:-60000}
cd "$(dirname "$0")/.."
out=${OUT:-bench/out}
mkdir -p "$out"
for program in gen measure; do go build -o "$out/$program" "./bench/$program"; done
export TTPCRON_CONFIG=/dev/null TTPCRON_LOG_LEVEL=error

calc() { awk "BEGIN { printf \"%.${2:-2}f\", ($1) }"; }
figure() { tr ' ' '\n' <"$out/figures" | sed -n "s/^$1=//p"; }

form() {
  case $1 in
  plain) cat ;;
  gzip | zstd | xz | bzip2) "$1" -c ;;
  utf-16) iconv -f UTF-8 -t UTF-16 ;;
  docker) jq -Rc '{log: (. + "\n"), stream: "stdout", time: "2026-01-01T00:00:00Z"}' ;;
  filebeat) jq -Rc '{"@timestamp": "2026-01-01T00:00:00Z", message: ., input: {type: "log"}, host: {name: "h"}}' ;;
  journald) jq -Rc '{__CURSOR: "c", _SYSTEMD_UNIT: "cowrie.service", MESSAGE: .}' ;;
  elasticsearch) jq -c '{_index: "i", _id: "1", _source: .}' ;;
  splunk) jq -Rc '{preview: false, result: {_raw: ., sourcetype: "cowrie"}}' ;;
  syslog) sed 's/^/<134>Jan  1 00:00:00 host cowrie[12]: /' ;;
  CRI) sed 's/^/2026-01-01T00:00:00.123456789Z stdout F /' ;;
  list) sed '1s/^/[/; $!s/$/,/; $s/$/]/' ;;
  "list on one line") sed '1s/^/[/; $!s/$/,/; $s/$/]/' | tr -d '\n' ;;
  "hits.hits") { printf '{"took":1,"hits":{"hits":['; sed 's/^/{"_source":/; s/$/}/; $!s/$/,/' | tr -d '\n'; printf ']}}'; } ;;
  pretty-printed) jq . ;;
  esac
}

"$out/gen" -n "$n" -kind whole >"$out/log.json"
bytes=$(stat -c %s "$out/log.json")
echo "$n commands, $(wc -l <"$out/log.json") records, $((bytes / 1000000)) MB, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
echo
echo "| form | size | CPU time | RssAnon, MiB |"
echo "| --- | ---: | ---: | ---: |"
plain=
for name in plain gzip zstd xz bzip2 utf-16 syslog CRI docker filebeat journald elasticsearch splunk list "list on one line" hits.hits pretty-printed; do
  form "$name" <"$out/log.json" >"$out/form" 2>"$out/form.err" || { echo "| $name | not made: $(head -1 "$out/form.err") | | |"; continue; }
  best=
  for _ in 1 2 3; do
    rm -f "$out/form.db"
    "$out/measure" -o "$out/figures" "$tt" import --db "$out/form.db" --json --format cowrie "$out/form" >"$out/report"
    spent=$(calc "$(figure user) + $(figure system)" 3)
    best=$(calc "\"$best\" == \"\" || $spent < ${best:-0} ? $spent : ${best:-0}" 3)
  done
  new=$(grep -o '"new":[0-9]*' "$out/report" | head -1)
  [ -n "$plain" ] || { plain=$best want=$new; }
  [ "$new" = "$want" ] || { echo "$name: $new, want $want" >&2; exit 1; }
  printf '| %s | %s | %s | %s |\n' "$name" "$(calc "$(stat -c %s "$out/form") / $bytes")" "$(calc "$best / $plain")" "$(calc "$(figure anon) / 1048576" 0)"
done
rm -f "$out/log.json" "$out/form" "$out/form.db"
