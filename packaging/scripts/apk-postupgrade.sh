#!/bin/sh
# After an upgrade on Alpine: only a daemon that runs is started anew.
if command -v rc-service >/dev/null; then
  rc-service --quiet --ifstarted ttpcron restart || echo "ttpcron did not start again: rc-service ttpcron status" >&2
fi
exit 0
