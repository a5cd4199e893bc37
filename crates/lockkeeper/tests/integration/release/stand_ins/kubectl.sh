#!/bin/sh
# Stands in for kubectl and its plugin for Argo Rollouts, in front of one Deployment or Rollout called shop: keeps what
# a cluster would keep in a folder, and records what it was asked for.
#
#   calls        what it was asked for, a line each
#   sets         the ReplicaSets: name, revision, tag
#   current      the ReplicaSet that is wanted; stable: the one that Argo has promoted
#   annotations  of the Deployment, name=value
#   replicas     how many are wanted
#   dies         a word: the next call with it takes effect, and fails all the same
set -eu
cd stand-in

printf '%s\n' "$*" >>calls

# Where it is asked: noted with the call, and not looked at.
rest=
skip=
for word in "$@"; do
  if [ -n "$skip" ]; then
    skip=
    continue
  fi
  case $word in
    --context | --namespace) skip=1 ;;
    *) rest="$rest$word
" ;;
  esac
done
IFS='
'
# shellcheck disable=SC2086 # one word a line
set -- $rest
unset IFS

current=$(cat current)

# The pods of a ReplicaSet answer.
serve() {
  if [ "$(cat replicas)" != 0 ]; then
    awk -v name="$1" '$1 == name { print $3 }' sets >../next
    mv ../next ../version
  fi
}

# A ReplicaSet that is wanted again gets the next number.
want() {
  [ "$1" != "$current" ] || return 0
  last=$(awk '$2 > last { last = $2 } END { print last + 0 }' sets)
  awk -v name="$1" -v number=$((last + 1)) '$1 == name { $2 = number } { print }' sets >sets.new
  mv sets.new sets
  echo "$1" >current
  serve "$1"
}

set_image() {
  tag=${1##*:}
  grep -q " $tag\$" sets || echo "shop-$tag 0 $tag" >>sets
  want "$(awk -v tag="$tag" '$3 == tag { print $1 }' sets)"
}

undo() {
  revision=${1#--to-revision=}
  name=$(awk -v number="$revision" '$2 == number { print $1 }' sets)
  if [ -z "$name" ]; then
    echo "error: unable to find specified revision $revision in history" >&2
    exit 1
  fi
  want "$name"
}

annotation() {
  sed -n "s|^$1=||p" annotations
}

value_of() {
  case $1 in
    *'{range .items'*) awk '{ print $1, $2 }' sets ;;
    *'.items[*]'*) awk -v name="$2" '$1 == name { printf "%s", $2 }' sets ;;
    *'deployment\.kubernetes\.io/revision'*) awk -v name="$current" '$1 == name { printf "%s", $2 }' sets ;;
    *lockkeeper/before*) annotation lockkeeper/before ;;
    *lockkeeper/replicas*) annotation lockkeeper/replicas ;;
    *.spec.replicas*) cat replicas ;;
    *.status.stableRS*) cat stable ;;
    *.status.currentPodHash*) cat current ;;
    *)
      echo "no such path: $1" >&2
      exit 1
      ;;
  esac
}

case "$*" in
  'get '*)
    selected=
    for word in "$@"; do
      case $word in
        rollouts-pod-template-hash=*) selected=${word#*=} ;;
        jsonpath=*) value_of "${word#jsonpath=}" "$selected" ;;
      esac
    done
    ;;
  'annotate '*)
    for word in "$@"; do last_word=$word; done
    grep -v "^${last_word%%=*}=" annotations >annotations.new || true
    echo "$last_word" >>annotations.new
    mv annotations.new annotations
    ;;
  'set image '* | 'argo rollouts set image '*)
    for word in "$@"; do last_word=$word; done
    set_image "$last_word"
    ;;
  'rollout status '*) ;;
  'argo rollouts status '*) cp current stable ;;
  'argo rollouts abort '*) serve "$(cat stable)" ;;
  'rollout undo '* | 'argo rollouts undo '*)
    for word in "$@"; do last_word=$word; done
    undo "$last_word"
    ;;
  'scale '*)
    for word in "$@"; do last_word=$word; done
    echo "${last_word#--replicas=}" >replicas
    serve "$current"
    ;;
  *)
    echo "error: unknown command \"$*\"" >&2
    exit 1
    ;;
esac

if [ -f dies ]; then
  case " $* " in
    *" $(cat dies) "*)
      rm dies
      echo "error: the connection to the server was lost" >&2
      exit 1
      ;;
  esac
fi
