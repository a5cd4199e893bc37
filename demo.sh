#!/bin/sh
# Two releases of a shop under live traffic, on a private PostgreSQL: installs what it needs, builds Lockkeeper, runs `lockkeeper demo`.
#
#   ./demo.sh                 everything after the name is handed to `lockkeeper demo`
#   ./demo.sh --lang ko
#   ./demo.sh --keep shop     leaves the migrations and lockkeeper.toml in shop/
set -eu

cd -- "$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)"
# shellcheck source=scripts/ensure.sh
. scripts/ensure.sh

ensure_cargo
ensure cc postgres ssh-keygen

# The development profile: the demo waits for PostgreSQL, not for us, so an optimised program would not
# run it any sooner, and a newcomer would wait for the optimiser to go through every dependency.
step "build" cargo build --locked -p lockkeeper

exec cargo run --quiet --locked -p lockkeeper -- demo "$@"
