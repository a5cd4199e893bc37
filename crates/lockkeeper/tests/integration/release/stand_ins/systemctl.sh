#!/bin/sh
# Stands in for systemctl with one unit, whose program is a real process that says the version that stands behind the
# link, and lives until it is stopped or the project is gone.
set -eu

echo "$*" >>stand-in/calls

is_up() {
  [ -f stand-in/pid ] && kill -0 "$(cat stand-in/pid)" 2>/dev/null
}

take_down() {
  ! is_up || kill "$(cat stand-in/pid)"
  rm -f stand-in/pid
}

bring_up() {
  # shellcheck disable=SC2016 # the process expands it
  setsid sh -c 'echo $$ >stand-in/pid; cp current/number next; mv next version; while [ -d stand-in ]; do sleep 0.1; done' \
    </dev/null >/dev/null 2>&1 &
}

case $1 in
  restart)
    take_down
    bring_up
    ;;
  stop) take_down ;;
  start) is_up || bring_up ;;
  is-active)
    if is_up && cmp -s version current/number; then
      echo active
    elif [ -f current/broken ]; then
      echo failed
      exit 3
    else
      echo activating
      exit 3
    fi
    ;;
  status) echo "shop.service: Main process exited, code=exited, status=1/FAILURE" ;;
esac

if [ -f stand-in/dies ] && [ "$1" = "$(cat stand-in/dies)" ]; then
  rm stand-in/dies
  echo "Failed to connect to bus" >&2
  exit 1
fi
