# shellcheck shell=sh
# What the scripts need on this machine, and how to get it. Sourced by test.sh, demo.sh and fetch-postgres.sh.
#
#   ensure postgres ssh-keygen     installs what is missing (Debian and its kin), or says what to install
#   step "its name" command...     runs a command, says which and how long it took

say() {
  printf '%s\n' "$*" >&2
}

give_up() {
  say "error: $1"
  shift
  for line in "$@"; do
    say "hint: $line"
  done
  exit 2
}

# Only the Rust tool chain is left to its own installer: a distribution's is usually too old.
ensure_cargo() {
  if ! command -v cargo >/dev/null 2>&1 && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    export PATH
  fi
  command -v cargo >/dev/null 2>&1 || give_up "cargo is not installed" \
    "install stable Rust as https://rustup.rs says, open a new shell, and run this again"
}

# The folder of PostgreSQL's server binaries, the newest where there are several. Nothing when there are none.
postgres_bin() {
  if command -v pg_config >/dev/null 2>&1; then
    bin=$(pg_config --bindir)
    if is_server_bin "$bin"; then
      printf '%s\n' "$bin"
      return
    fi
  fi
  found=
  for bin in \
    /usr/local/opt/postgresql*/bin \
    /opt/homebrew/opt/postgresql*/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin \
    /usr/pgsql-*/bin \
    /usr/lib/postgresql/*/bin; do
    if is_server_bin "$bin"; then
      found=$bin
    fi
  done
  if [ -z "$found" ]; then
    found=$(command -v postgres 2>/dev/null) && found=$(dirname "$found")
    is_server_bin "$found" || found=
  fi
  if [ -n "$found" ]; then
    printf '%s\n' "$found"
  fi
}

is_server_bin() {
  [ -x "$1/postgres" ] && [ -x "$1/initdb" ]
}

is_there() {
  case $1 in
    postgres) [ -n "$(postgres_bin)" ] && command -v psql >/dev/null 2>&1 ;;
    # Where Debian puts it, only root looks.
    pgbouncer) command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

debian_packages_of() {
  case $1 in
    postgres) echo postgresql postgresql-client ;;
    ssh-keygen) echo openssh-client ;;
    cc) echo gcc libc6-dev ;;
    node) echo nodejs ;;
    *) echo "$1" ;;
  esac
}

ensure() {
  missing=
  for need in "$@"; do
    is_there "$need" || missing="$missing $need"
  done
  [ -n "$missing" ] || return 0

  command -v apt-get >/dev/null 2>&1 || give_up "not installed:$missing" \
    "install them with this system's package manager and run this again" \
    "macOS: brew install postgresql@17 pgbouncer shellcheck node (ssh-keygen and openssl come with the system)" \
    "Fedora: dnf install postgresql-server pgbouncer openssh-clients openssl ShellCheck gcc npm"
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1 || give_up "not installed:$missing" \
    "run this once as root, or install sudo"

  packages=
  for need in $missing; do
    packages="$packages $(debian_packages_of "$need")"
  done
  say "installing:$packages"
  install_debian_packages "$packages"

  for need in $missing; do
    is_there "$need" || give_up "$need is still missing after installing$packages"
  done
}

# Debian starts a server on port 5432 and a pooler on port 6432 when their packages are first installed.
# Nobody asked us for them.
install_debian_packages() {
  no_cluster=/etc/postgresql-common/createcluster.d/lockkeeper.conf
  as_root mkdir -p "${no_cluster%/*}"
  echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
  no_service=
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    no_service=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$no_service" >/dev/null
    as_root chmod 755 "$no_service"
  fi
  as_root apt-get update -qq >&2 || say "the package lists could not be refreshed, trying with the old ones"
  installed=0
  # shellcheck disable=SC2086 # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends $1 </dev/null >&2 || installed=$?
  as_root rm -f "$no_cluster"
  [ -z "$no_service" ] || as_root rm -f "$no_service"
  [ "$installed" -eq 0 ] || give_up "apt-get could not install$1" "its own words are above"
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# The command is run as it stands, not as a condition: within one, `set -e` would not stop at its first failure.
step() {
  step_name=$1
  shift
  say "== $step_name"
  step_start=$(date +%s)
  "$@"
  say "== $step_name: $(($(date +%s) - step_start)) s"
  step_name=
}

# What a script wants removed when it ends, however it ends: redefine it.
clean_up() {
  :
}

at_exit() {
  if [ -n "$step_name" ]; then
    say "== $step_name: FAILED after $(($(date +%s) - step_start)) s"
  fi
  clean_up
}

step_name=
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
