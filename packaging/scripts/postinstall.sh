#!/bin/sh
# After the files are there. dpkg calls it with "configure [OLD-VERSION]", rpm with
# 1 for a first installation and 2 for an upgrade.
set -e

case $1 in
configure) if [ -n "$2" ]; then upgrade=yes; else upgrade=; fi ;;
1) upgrade= ;;
[2-9]*) upgrade=yes ;;
*) exit 0 ;; # dpkg takes back what failed
esac

# A container or a chroot may have no systemd.
if ! getent passwd ttpcron >/dev/null && command -v systemd-sysusers >/dev/null; then
  systemd-sysusers /usr/lib/sysusers.d/ttpcron.conf || true
fi
if ! getent passwd ttpcron >/dev/null; then
  getent group ttpcron >/dev/null || groupadd --system ttpcron
  useradd --system --gid ttpcron --home-dir /var/lib/ttpcron --no-create-home --shell /usr/sbin/nologin --comment ttpcron ttpcron
fi
if [ ! -d /var/lib/ttpcron ]; then
  install -d -o ttpcron -g ttpcron -m 0750 /var/lib/ttpcron
fi

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
  if [ "$upgrade" ]; then
    # Only what runs is started anew, with the new program.
    for unit in ttpcron.service ttpcron-run.timer; do
      if command -v deb-systemd-invoke >/dev/null; then
        deb-systemd-invoke try-restart $unit
      else
        systemctl try-restart $unit
      fi || echo "$unit did not start again: systemctl status $unit says why" >&2
    done
  fi
fi

if [ -z "$upgrade" ]; then
  cat <<'END'
ttpcron is installed, but not started: it does not know your logs yet.
  1. name them in /etc/ttpcron/ttpcron.toml, such as inputs = ["/var/log/cowrie"]
  2. ttpcron config check
  3. systemctl enable --now ttpcron
END
fi
