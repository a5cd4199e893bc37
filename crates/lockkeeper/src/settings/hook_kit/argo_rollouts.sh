#!/bin/sh
# The hooks of a Rollout of Argo Rollouts, by its kubectl plugin. Every task may be run twice.
set -eu

rollout=$LOCKKEEPER_HOOK_ROLLOUT

where() {
  "$@" ${LOCKKEEPER_HOOK_CONTEXT:+--context "$LOCKKEEPER_HOOK_CONTEXT"} \
    ${LOCKKEEPER_HOOK_NAMESPACE:+--namespace "$LOCKKEEPER_HOOK_NAMESPACE"}
}

ask() {
  where kubectl get "rollouts.argoproj.io/$rollout" --output "jsonpath=$1"
}

note() {
  where kubectl annotate "rollouts.argoproj.io/$rollout" --overwrite "$1"
}

argo() {
  where kubectl argo rollouts "$@"
}

case $LOCKKEEPER_TASK in
  deploy)
    # The pods' hash names what ran before; the number of its revision changes when it is gone back to.
    before=$(ask '{.metadata.annotations.lockkeeper/before}')
    stable=$(ask '{.status.stableRS}')
    if [ -z "$stable" ]; then
      echo "$rollout has no stable ReplicaSet to go back to" >&2
      exit 1
    fi
    case $before in
      "$LOCKKEEPER_RELEASE/"*) ;;
      *) note "lockkeeper/before=$LOCKKEEPER_RELEASE/$stable" ;;
    esac
    argo set image "$rollout" "$LOCKKEEPER_HOOK_CONTAINER=$LOCKKEEPER_HOOK_IMAGE:$LOCKKEEPER_VERSION"
    ;;
  wait_deployed | wait_rolled_back)
    argo status "$rollout" --timeout "${LOCKKEEPER_HOOK_SECONDS}s"
    ;;
  rollback_app)
    before=$(ask '{.metadata.annotations.lockkeeper/before}')
    case $before in
      "$LOCKKEEPER_RELEASE/"*) before=${before#*/} ;;
      *)
        echo "release $LOCKKEEPER_RELEASE has deployed nothing to $rollout"
        exit 0
        ;;
    esac
    wanted=$(ask '{.status.currentPodHash}')
    if [ "$wanted" = "$before" ]; then
      echo "$rollout is at $before already"
      exit 0
    fi
    # Aborting turns the traffic back at once; undoing takes the new version out of what is wanted.
    argo abort "$rollout"
    revision=$(where kubectl get replicasets --selector "rollouts-pod-template-hash=$before" --output \
      'jsonpath={.items[*].metadata.annotations.rollout\.argoproj\.io/revision}')
    if [ -z "$revision" ]; then
      echo "the ReplicaSet $before that ran before release $LOCKKEEPER_RELEASE is gone (see revisionHistoryLimit)" >&2
      exit 1
    fi
    argo undo "$rollout" --to-revision="$revision"
    ;;
  stop_app)
    replicas=$(ask '{.spec.replicas}')
    if [ "$replicas" != 0 ]; then
      note "lockkeeper/replicas=$replicas"
    fi
    where kubectl scale "rollouts.argoproj.io/$rollout" --replicas=0
    ;;
  start_app)
    replicas=$(ask '{.metadata.annotations.lockkeeper/replicas}')
    where kubectl scale "rollouts.argoproj.io/$rollout" --replicas="${replicas:-1}"
    ;;
  *)
    echo "no task of a hook: $LOCKKEEPER_TASK" >&2
    exit 2
    ;;
esac
