#!/bin/sh
# Before the files go. dpkg calls it with "remove" or "upgrade NEW-VERSION", rpm with
# 0 for a removal and 1 for an upgrade, during which the daemon keeps running.
set -e

case $1 in
remove | 0) ;;
*) exit 0 ;;
esac

command -v systemctl >/dev/null || exit 0
units="ttpcron.service ttpcron-run.timer ttpcron-run.service"
if [ -d /run/systemd/system ]; then
  if command -v deb-systemd-invoke >/dev/null; then
    # shellcheck disable=SC2086 # they are three words
    deb-systemd-invoke stop $units || true
  else
    # shellcheck disable=SC2086
    systemctl stop $units || true
  fi
fi
# Links that enable a unit would be left behind.
systemctl --quiet disable ttpcron.service ttpcron-run.timer >/dev/null 2>&1 || true
