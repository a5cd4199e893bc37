#!/bin/sh
# The hooks of a script of the project's own: it is told the task and the version that is to run when it ends.
set -eu
exec "$LOCKKEEPER_HOOK_PATH" "$LOCKKEEPER_TASK" "$LOCKKEEPER_VERSION"
