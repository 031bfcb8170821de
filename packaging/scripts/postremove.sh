#!/bin/sh
# After the files are gone. dpkg calls it with "remove", "purge", "upgrade …" and more, rpm
# with 0 for a removal and 1 for an upgrade. Configuration stays on removal; the store
# stays always.
set -e

case $1 in
remove | purge | 0) ;;
*) exit 0 ;;
esac

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
  systemctl reset-failed ttpcron.service ttpcron-run.service >/dev/null 2>&1 || true
fi

rmdir /var/lib/ttpcron 2>/dev/null || true
if [ "$1" = purge ]; then
  # dpkg has removed ttpcron.toml; rules of yours are none of its files.
  rmdir /etc/ttpcron/rules /etc/ttpcron 2>/dev/null || true
  if [ -d /etc/ttpcron ]; then echo "Your own files are still in /etc/ttpcron."; fi
fi
if [ -d /var/lib/ttpcron ]; then
  echo "The store is still in /var/lib/ttpcron. To delete it for good: rm -r /var/lib/ttpcron"
fi
