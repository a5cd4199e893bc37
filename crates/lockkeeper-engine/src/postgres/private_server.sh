# shellcheck shell=sh
# Keeps one private PostgreSQL for the process that holds the other end of our standard input.
# When that end closes, for whatever reason, the server is stopped and its folder is removed.
# Arguments: the folder, the folder of the server's programs.
dir=$1
bin=$2
umask 077
# Interrupts are for our parent; it tells us what to do, or dies, which tells us too.
trap '' HUP INT TERM PIPE

# Sends signal $1 until the server is gone; after $2 twentieths of a second it is killed.
# Once is not enough: a shell starts its jobs with SIGINT and SIGQUIT ignored, so a signal that
# comes before the server has set up its own handling is lost.
signal() {
  [ -n "$started" ] || return
  waited=0
  while [ ! -f "$dir/exited" ]; do
    if [ -f "$dir/pid" ]; then
      if [ "$waited" -lt "$2" ]; then name=$1; else name=KILL; fi
      kill -s "$name" "$(cat "$dir/pid")" 2>/dev/null
    fi
    sleep 0.05
    waited=$((waited + 1))
  done
  wait
  started=
}

started=
while read -r word; do
  case $word in
    init)
      "$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C --no-sync --no-instructions \
        -A trust --pwfile="$dir/password" </dev/null >"$dir/initdb.log" 2>&1
      echo "$?"
      ;;
    start)
      started=yes
      rm -f "$dir/pid" "$dir/exited" "$dir/data/postmaster.pid"
      (
        "$bin/postgres" -D "$dir/data" </dev/null >>"$dir/server.log" 2>&1 &
        echo $! >"$dir/pid.new" && mv "$dir/pid.new" "$dir/pid"
        wait $!
        echo $? >"$dir/exited"
      ) >/dev/null &
      echo 0
      ;;
    fast) signal INT 1200; echo 0 ;;
    immediate) signal QUIT 200; echo 0 ;;
    kill) signal KILL 0; echo 0 ;;
  esac
done

signal QUIT 200
cd /
# A backend that outlives its killed parent for a moment may still write, so try more than once.
for _ in 1 2 3 4 5; do
  rm -rf "$dir" 2>/dev/null && break
  sleep 0.2
done
