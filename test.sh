#!/bin/sh
# Installs what the tests need, then runs all of them. CI runs exactly this.
#
#   ./test.sh                                 everything, on the installed PostgreSQL
#   LOCKKEEPER_TEST_PG=14,18 ./test.sh        the tests against a real server on these major versions too
#   LOCKKEEPER_TEST_PG= CI=true ./test.sh     in CI, only the installed version
#   LOCKKEEPER_LONG=1 ./test.sh               every crash point, and a million rows under load: hours
#
# Where CI=true and LOCKKEEPER_TEST_PG is not set, the oldest and the newest supported version are covered. How many
# points and schedules the crash tests try is LOCKKEEPER_POINTS and LOCKKEEPER_SCHEDULES.
set -eu

cd -- "$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)"
# shellcheck source=scripts/ensure.sh
. scripts/ensure.sh

majors=${LOCKKEEPER_TEST_PG-}
if [ "${CI:-}" = true ]; then
  majors=${LOCKKEEPER_TEST_PG-14,18}
fi
majors=$(printf '%s' "$majors" | tr ',' ' ')
# More on the installed version than at a desk, and little on the others, so that all of it ends within the hour.
points_on_majors=${LOCKKEEPER_POINTS:-3}
schedules_on_majors=${LOCKKEEPER_SCHEDULES:-8}
if [ "${CI:-}" = true ]; then
  LOCKKEEPER_POINTS=${LOCKKEEPER_POINTS:-12}
  LOCKKEEPER_SCHEDULES=${LOCKKEEPER_SCHEDULES:-40}
  export LOCKKEEPER_POINTS LOCKKEEPER_SCHEDULES
fi

# Servers fetched for this run, when the checkout is out of the unprivileged user's reach.
borrowed=
clean_up() {
  [ -z "$borrowed" ] || rm -rf "$borrowed"
}

shell_scripts() {
  shellcheck -x test.sh demo.sh .ci/run scripts/*.sh
  find crates -name '*.sh' -exec shellcheck {} +
}

# Everything that talks to a real server. With the whole workspace chosen, as before, nothing is built again.
real_ring() {
  cargo test --workspace --locked --test integration
}

# Whether the user that runs the servers when root runs the tests can get at them.
in_reach() {
  # shellcheck disable=SC2016 # the inner shell expands it
  [ "$(id -u)" -ne 0 ] || su -s /bin/sh nobody -c '"$0" --version' "$1" >/dev/null 2>&1
}

on_major() {
  server=$PWD/.pg/$1
  scripts/fetch-postgres.sh "$1"
  if ! in_reach "$server/bin/postgres"; then
    borrowed=${borrowed:-$(mktemp -d)}
    chmod 755 "$borrowed"
    cp -R "$server" "$borrowed/$1"
    server=$borrowed/$1
  fi
  LOCKKEEPER_TEST_PG_BIN=$server/bin
  LOCKKEEPER_POINTS=$points_on_majors
  LOCKKEEPER_SCHEDULES=$schedules_on_majors
  export LOCKKEEPER_TEST_PG_BIN LOCKKEEPER_POINTS LOCKKEEPER_SCHEDULES
  real_ring
}

# The tests wait for their servers more than they work.
RUST_TEST_THREADS=${RUST_TEST_THREADS:-4}
export RUST_TEST_THREADS

ensure_cargo
ensure cc postgres pgbouncer ssh-keygen openssl shellcheck node
if [ -n "$majors" ]; then
  ensure npm
fi

step "shell scripts" shell_scripts
step "format" cargo fmt --all --check
step "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
step "tests, PostgreSQL as installed" cargo test --workspace --locked
for major in $majors; do
  step "tests, PostgreSQL $major" on_major "$major"
done
