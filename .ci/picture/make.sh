#!/bin/sh
# Makes docs/report.png anew: the top of the report on the bundled samples, as Chromium
# shows it.
set -eu
cd "$(dirname "$0")/../.."
browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export TTPCRON_CONFIG=/dev/null TTPCRON_DB="$dir/samples.db"
go build -o "$dir/ttpcron" ./cmd/ttpcron
"$dir/ttpcron" run-once --input samples >/dev/null
"$dir/ttpcron" report --new-since '' --output "$dir/report.html" >/dev/null
"$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$dir/profile" \
	--window-size=1500,1560 --screenshot="$dir/report.png" "file://$dir/report.html" 2>/dev/null
go run .ci/picture/palette.go "$dir/report.png" docs/report.png
ls -l docs/report.png
