#!/bin/sh
# The hooks of a unit of systemd whose program is behind a symbolic link. Every task may be run twice.
set -eu

unit=$LOCKKEEPER_HOOK_UNIT
link=$LOCKKEEPER_HOOK_CURRENT
record="$link.before-$LOCKKEEPER_RELEASE"

# The link names the old folder or the new one, and never nothing.
point_to() {
  ln -sfn "$1" "$link.new"
  mv -T "$link.new" "$link"
}

case $LOCKKEEPER_TASK in
  deploy)
    folder="$LOCKKEEPER_HOOK_VERSIONS/$LOCKKEEPER_VERSION"
    if [ ! -d "$folder" ]; then
      echo "there is no $folder: put the version there before it is released" >&2
      exit 1
    fi
    if [ ! -L "$record" ]; then
      rm -f "$link".before-*
      before=$(readlink "$link")
      ln -s "$before" "$record"
    fi
    point_to "$folder"
    systemctl restart "$unit"
    ;;
  wait_deployed | wait_rolled_back)
    while :; do
      # It says the state, and fails for every other one than active.
      state=$(systemctl is-active "$unit" || true)
      case $state in
        active) exit 0 ;;
        activating | reloading | deactivating) sleep 1 ;;
        *)
          echo "$unit is $state" >&2
          systemctl status --no-pager --lines 20 "$unit" >&2 || true
          exit 1
          ;;
      esac
    done
    ;;
  rollback_app)
    if [ ! -L "$record" ]; then
      echo "release $LOCKKEEPER_RELEASE has deployed nothing to $link"
      exit 0
    fi
    before=$(readlink "$record")
    point_to "$before"
    systemctl restart "$unit"
    ;;
  stop_app)
    systemctl stop "$unit"
    ;;
  start_app)
    systemctl start "$unit"
    ;;
  *)
    echo "no task of a hook: $LOCKKEEPER_TASK" >&2
    exit 2
    ;;
esac
