#!/bin/sh
# Before the files go from Alpine. Configuration that was changed and the store stay.
if command -v rc-service >/dev/null; then
  rc-service --quiet --ifstarted ttpcron stop
  rc-update --quiet delete ttpcron 2>/dev/null
fi
[ ! -e /var/lib/ttpcron/ttpcron.db ] || echo "The store is still in /var/lib/ttpcron."
exit 0
