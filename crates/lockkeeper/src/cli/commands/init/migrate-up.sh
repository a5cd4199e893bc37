#!/bin/sh
# Runs stage 1 of the pending migrations, then shows what stage 2 still waits for.
# Written by `lockkeeper init`; for a CI step that has exported the database's settings:
#
#   DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD (or DB_PASSWORD_FILE), DB_SSLMODE
#   or DATABASE_URL, or PostgreSQL's own PGHOST, PGDATABASE, ...
#   LOCKKEEPER     the program, when it is not on PATH
#
# Arguments are handed to `lockkeeper stage1`, and its exit code is this script's:
# 0 done, 1 refused, 2 settings, 3 a migration failed, 4 somebody else is at work, 130/143 interrupted.
set -eu

fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 2
}

# Whether a setting is there: in the environment, in .env, or in lockkeeper.toml.
is_set() { # DB_NAME PGDATABASE name
  eval "value=\${$1:-\${$2:-}}"
  # shellcheck disable=SC2154 # set by the line above
  [ -n "$value" ] ||
    grep -Eqs "^[[:space:]]*(export[[:space:]]+)?($1|$2|DATABASE_URL)=." .env ||
    grep -Eqs "^[[:space:]]*$3[[:space:]]*=" lockkeeper.toml
}

lockkeeper=${LOCKKEEPER:-lockkeeper}
case $lockkeeper in
  /*) ;;
  */*) lockkeeper=$PWD/$lockkeeper ;;
esac
cd -- "$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)"

command -v "$lockkeeper" >/dev/null 2>&1 ||
  fail "the program $lockkeeper is not there" "put lockkeeper on PATH, or set LOCKKEEPER to where it is"

if [ -z "${DATABASE_URL:-}" ]; then
  is_set DB_HOST PGHOST host || fail "no database server is named" "export DB_HOST (and DB_NAME, DB_USER), or DATABASE_URL"
  is_set DB_NAME PGDATABASE name || fail "no database is named" "export DB_NAME (and DB_USER), or DATABASE_URL"
fi

"$lockkeeper" stage1 "$@"

# To stderr: what `stage1 --json` wrote stays alone on stdout.
printf '\n' >&2
"$lockkeeper" status >&2 || printf 'warning: stage 1 is done, but its status could not be shown\n' >&2
