# shellcheck shell=sh
# Runs a program for the process that holds the other end of our standard input. When that end closes, for whatever
# reason, the program is told to end, and is killed when it does not.
umask 077
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
(
  exec >/dev/null 2>&1
  while read -r _ <&3; do :; done
  kill -s TERM "$child"
  sleep 10
  kill -s KILL "$child"
) &
watcher=$!
exec 3<&-
wait "$child"
code=$?
kill -s KILL "$watcher" 2>/dev/null
exit "$code"
