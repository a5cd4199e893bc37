#!/bin/sh
# The hooks of a service of Docker Compose whose version is a variable in an env file. Every task may be run twice.
set -eu

variable=$LOCKKEEPER_HOOK_VARIABLE
env_file=$LOCKKEEPER_HOOK_ENV_FILE
record="$env_file.before-$LOCKKEEPER_RELEASE"

# Compose reads `.env` by itself only where no other file is named.
compose() {
  if [ -f .env ]; then
    set -- --env-file .env --env-file "$env_file" "$@"
  else
    set -- --env-file "$env_file" "$@"
  fi
  docker compose ${LOCKKEEPER_HOOK_PROJECT:+--project-name "$LOCKKEEPER_HOOK_PROJECT"} \
    --file "$LOCKKEEPER_HOOK_FILE" "$@"
}

# Whoever reads the file sees the old line or the new one.
set_version() {
  sed "/^$variable=/d" "$env_file" >"$env_file.new"
  printf '%s=%s\n' "$variable" "$1" >>"$env_file.new"
  mv "$env_file.new" "$env_file"
}

version_now() {
  sed -n "s/^$variable=//p" "$env_file" | tail -n 1
}

[ -f "$env_file" ] || : >"$env_file"

case $LOCKKEEPER_TASK in
  deploy)
    if [ ! -f "$record" ]; then
      rm -f "$env_file".before-*
      version_now >"$record.new"
      mv "$record.new" "$record"
    fi
    set_version "$LOCKKEEPER_VERSION"
    compose up --detach --no-deps "$LOCKKEEPER_HOOK_SERVICE"
    ;;
  wait_deployed | wait_rolled_back)
    compose up --detach --no-deps --no-recreate --wait --wait-timeout "$LOCKKEEPER_HOOK_SECONDS" \
      "$LOCKKEEPER_HOOK_SERVICE"
    ;;
  rollback_app)
    if [ ! -f "$record" ]; then
      echo "release $LOCKKEEPER_RELEASE has deployed nothing to $LOCKKEEPER_HOOK_SERVICE"
      exit 0
    fi
    before=$(cat "$record")
    before=${before:-$LOCKKEEPER_VERSION}
    if [ -z "$before" ]; then
      echo "nobody knows which version of $LOCKKEEPER_HOOK_SERVICE ran before: $env_file did not say, and no --previous was given" >&2
      exit 1
    fi
    set_version "$before"
    compose up --detach --no-deps "$LOCKKEEPER_HOOK_SERVICE"
    ;;
  stop_app)
    compose stop "$LOCKKEEPER_HOOK_SERVICE"
    ;;
  start_app)
    compose start "$LOCKKEEPER_HOOK_SERVICE"
    ;;
  *)
    echo "no task of a hook: $LOCKKEEPER_TASK" >&2
    exit 2
    ;;
esac
