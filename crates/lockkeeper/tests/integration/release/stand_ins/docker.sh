#!/bin/sh
# Stands in for `docker compose` with one service: its container is a real process, which says its version and lives
# until it is stopped or the project is gone.
set -eu

echo "$*" >>stand-in/calls

tag=
detached=
waits=
while [ $# -gt 0 ]; do
  case $1 in
    compose) ;;
    --env-file)
      found=$(sed -n 's/^TAG=//p' "$2" | tail -n 1)
      tag=${found:-$tag}
      shift
      ;;
    --file)
      [ -f "$2" ] || { echo "open $2: no such file or directory" >&2; exit 14; }
      shift
      ;;
    --project-name | --wait-timeout) shift ;;
    up | stop | start) verb=$1 ;;
    --detach) detached=1 ;;
    --wait) waits=1 ;;
    --no-deps | --no-recreate) ;;
    -*)
      echo "unknown flag: $1" >&2
      exit 1
      ;;
    *) service=$1 ;;
  esac
  shift
done
[ "$service" = web ] || { echo "no such service: $service" >&2; exit 1; }

is_up() {
  [ -f stand-in/pid ] && kill -0 "$(cat stand-in/pid)" 2>/dev/null
}

take_down() {
  ! is_up || kill "$(cat stand-in/pid)"
  rm -f stand-in/pid
}

bring_up() {
  # shellcheck disable=SC2016 # the process expands it
  setsid sh -c 'echo $$ >stand-in/pid; echo "$1" >next; mv next version; while [ -d stand-in ]; do sleep 0.1; done' \
    container "$1" </dev/null >/dev/null 2>&1 &
  while ! is_up || [ "$(cat version)" != "$1" ]; do sleep 0.02; done
  echo "$1" >stand-in/tag
}

case $verb in
  up)
    [ -n "$detached" ] || { echo "it would stay attached" >&2; exit 1; }
    if [ -n "$waits" ]; then
      is_up || { echo "container web is not running" >&2; exit 1; }
    elif ! is_up || [ "$(cat stand-in/tag)" != "$tag" ]; then
      take_down
      bring_up "$tag"
    fi
    ;;
  stop) take_down ;;
  start) is_up || bring_up "$(cat stand-in/tag)" ;;
esac

if [ -f stand-in/dies ] && [ "$verb" = "$(cat stand-in/dies)" ]; then
  rm stand-in/dies
  echo "error during connect" >&2
  exit 1
fi
