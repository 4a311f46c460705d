#!/usr/bin/env bash
# requires: lib
# settings: CONTROL KUBELET SHARED_KUBELET
# The names of the documents in kubeadm's ConfigMaps, and those with which this machine joined: CONTROL
# and KUBELET identify the settings of control planes and of this machine's kubelet; SHARED_KUBELET those
# of all kubelets, which a pool's own settings override. Only functions.
JOINED=$STATE/joined

# name_documents KUBECONFIG: note on the ConfigMaps which documents they have. kubeadm drops this note
# whenever it writes them.
name_documents() {
  name_document "$1" kubeadm-config "$CONTROL"
  name_document "$1" kubelet-config "$KUBELET"
}

name_document() { # KUBECONFIG CONFIGMAP NAME
  logged name-document kubectl --kubeconfig "$1" --cache-dir "$RUN/kubectl" --request-timeout 10s \
    --namespace kube-system annotate --overwrite configmap "$2" "kubeadm-fleet/document=$3"
}

# read_documents KUBECONFIG FOLDER: write each document, with its name in the first line. What cannot be
# read is empty.
read_documents() {
  local map
  mkdir -p "$2"
  for map in kubeadm-config kubelet-config; do
    kubectl --kubeconfig "$1" --cache-dir "$RUN/kubectl" --request-timeout 10s \
      --namespace kube-system get configmap "$map" \
      --output 'jsonpath={.metadata.annotations.kubeadm-fleet/document}{"\n"}{.data}' \
      >"$2/$map" 2>>"$LOGS/joined.log" || true
  done
}

# name_of CONFIGMAP BEFORE AFTER: print the name of a document that was the same before and after the
# join, else "-": what was read then is unknown. It may have been named in the meantime, by `init`.
name_of() {
  local name=
  if cmp --silent <(tail -n +2 "$2/$1") <(tail -n +2 "$3/$1"); then
    name=$(head -n 1 "$3/$1")
  fi
  echo "${name:--}"
}

# own_name NAME: print the name of this machine's kubelet settings, given that of the shared ones.
own_name() {
  if [[ $1 == "$SHARED_KUBELET" ]]; then echo "$KUBELET"; else echo "$1"; fi
}

# record_joined CONTROL KUBELET: record the documents with which this machine joined.
record_joined() {
  printf '%s\n' "$@" >"$JOINED.new"
  mv "$JOINED.new" "$JOINED"
}

# joined LINE: print the name of the first or second document; "-" if it is unknown.
joined() {
  sed -n "$1p" "$JOINED" 2>/dev/null || echo -
}
