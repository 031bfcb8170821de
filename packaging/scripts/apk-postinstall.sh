#!/bin/sh
# After a first installation on Alpine, whose tools are busybox's.
addgroup -S ttpcron 2>/dev/null
adduser -S -D -H -h /var/lib/ttpcron -s /sbin/nologin -G ttpcron -g ttpcron ttpcron 2>/dev/null
[ -d /var/lib/ttpcron ] || install -d -o ttpcron -g ttpcron -m 0750 /var/lib/ttpcron
cat <<'END'
ttpcron is installed, but not started: it does not know your logs yet.
  1. name them in /etc/ttpcron/ttpcron.toml, such as inputs = ["/var/log/cowrie"]
  2. ttpcron config check
  3. rc-update add ttpcron && rc-service ttpcron start
END
exit 0
