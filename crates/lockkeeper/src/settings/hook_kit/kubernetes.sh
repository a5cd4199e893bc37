#!/bin/sh
# The hooks of a Deployment of Kubernetes. Every task may be run twice.
set -eu

deployment="deployment/$LOCKKEEPER_HOOK_DEPLOYMENT"

kube() {
  kubectl ${LOCKKEEPER_HOOK_CONTEXT:+--context "$LOCKKEEPER_HOOK_CONTEXT"} \
    ${LOCKKEEPER_HOOK_NAMESPACE:+--namespace "$LOCKKEEPER_HOOK_NAMESPACE"} "$@"
}

ask() {
  kube get "$deployment" --output "jsonpath=$1"
}

note() {
  kube annotate "$deployment" --overwrite "$1"
}

# Every ReplicaSet of the Deployment, and the revision that it is.
replica_sets() {
  kube get replicasets --output "jsonpath={range .items[?(@.metadata.ownerReferences[0].name==\"$LOCKKEEPER_HOOK_DEPLOYMENT\")]}{.metadata.name}{\" \"}{.metadata.annotations.deployment\\.kubernetes\\.io/revision}{\"\\n\"}{end}"
}

# A revision gets a new number when it is gone back to; its ReplicaSet keeps its name. What fails is not taken for an
# empty answer: every answer is kept in a variable first.
look() {
  before=$(ask '{.metadata.annotations.lockkeeper/before}')
  revision=$(ask '{.metadata.annotations.deployment\.kubernetes\.io/revision}')
  sets=$(replica_sets)
  running=$(printf '%s\n' "$sets" | awk -v revision="$revision" '$2 == revision { print $1 }')
  if [ -z "$running" ]; then
    echo "$deployment has no ReplicaSet of its revision $revision" >&2
    exit 1
  fi
}

case $LOCKKEEPER_TASK in
  deploy)
    look
    case $before in
      "$LOCKKEEPER_RELEASE/"*) ;;
      *) note "lockkeeper/before=$LOCKKEEPER_RELEASE/$running" ;;
    esac
    kube set image "$deployment" "$LOCKKEEPER_HOOK_CONTAINER=$LOCKKEEPER_HOOK_IMAGE:$LOCKKEEPER_VERSION"
    ;;
  wait_deployed | wait_rolled_back)
    kube rollout status "$deployment" --timeout="${LOCKKEEPER_HOOK_SECONDS}s"
    ;;
  rollback_app)
    look
    case $before in
      "$LOCKKEEPER_RELEASE/"*) before=${before#*/} ;;
      *)
        echo "release $LOCKKEEPER_RELEASE has deployed nothing to $deployment"
        exit 0
        ;;
    esac
    if [ "$running" = "$before" ]; then
      echo "$deployment is at $before already"
      exit 0
    fi
    revision=$(printf '%s\n' "$sets" | awk -v name="$before" '$1 == name { print $2 }')
    if [ -z "$revision" ]; then
      echo "the ReplicaSet $before that ran before release $LOCKKEEPER_RELEASE is gone (see revisionHistoryLimit)" >&2
      exit 1
    fi
    kube rollout undo "$deployment" --to-revision="$revision"
    ;;
  stop_app)
    replicas=$(ask '{.spec.replicas}')
    if [ "$replicas" != 0 ]; then
      note "lockkeeper/replicas=$replicas"
    fi
    kube scale "$deployment" --replicas=0
    kube rollout status "$deployment" --timeout="${LOCKKEEPER_HOOK_SECONDS}s"
    ;;
  start_app)
    replicas=$(ask '{.metadata.annotations.lockkeeper/replicas}')
    kube scale "$deployment" --replicas="${replicas:-1}"
    ;;
  *)
    echo "no task of a hook: $LOCKKEEPER_TASK" >&2
    exit 2
    ;;
esac
