#!/usr/bin/env bash
# requires: lib
# settings: CONTROL KUBELET SHARED_KUBELET
# The names of the documents in kubeadm's ConfigMaps, and those with which this machine joined: CONTROL
# and KUBELET identify the settings of control planes and of this machine's kubelet; SHARED_KUBELET those
# of all kubelets, which a pool's own settings override. Only functions.
JOINED=$STATE/joined

# name_documents KUBECONFIG: note on the ConfigMaps which documents they have, with their checksums:
# kubeadm drops this note whenever it writes them, but a person who edits them does not.
name_documents() {
  name_document "$1" kubeadm-config "$CONTROL"
  name_document "$1" kubelet-config "$KUBELET"
}

name_document() { # KUBECONFIG CONFIGMAP NAME
  document "$1" "$2" "{.data.$(key_of "$2")}" >"$RUN/document" 2>"$RUN/api.log" ||
    die "the ConfigMap $2 cannot be read: $(tail -n 1 "$RUN/api.log")" "fix the API and run 'fleet up' again"
  logged name-document kubectl --kubeconfig "$1" --cache-dir "$RUN/kubectl" --request-timeout 10s \
    --namespace kube-system annotate --overwrite configmap "$2" "kubeadm-fleet/document=$3" \
    "kubeadm-fleet/checksum=$(checksum <"$RUN/document")"
}

document() { # KUBECONFIG CONFIGMAP JSONPATH
  kubectl --kubeconfig "$1" --cache-dir "$RUN/kubectl" --request-timeout 10s \
    --namespace kube-system get configmap "$2" --output "jsonpath=$3"
}

# key_of CONFIGMAP: print where it has its document.
key_of() {
  if [[ $1 == kubeadm-config ]]; then echo ClusterConfiguration; else echo kubelet; fi
}

checksum() {
  sha256sum | cut -d ' ' -f 1
}

# read_documents KUBECONFIG FOLDER: write each document, with its name and its noted checksum in the first
# line. What cannot be read is empty.
read_documents() {
  local map noted=.metadata.annotations.kubeadm-fleet
  mkdir -p "$2"
  for map in kubeadm-config kubelet-config; do
    document "$1" "$map" "{$noted/document} {$noted/checksum}{\"\\n\"}{.data.$(key_of "$map")}" \
      >"$2/$map" 2>>"$LOGS/joined.log" || true
  done
}

# name_of CONFIGMAP BEFORE AFTER: print the name of a document that was the same before and after the
# join, and that nobody has edited since it was named, else "-": what was read then is unknown. It may
# have been named in the meantime, by `init`.
name_of() {
  local name='' noted=''
  if cmp --silent <(tail -n +2 "$2/$1") <(tail -n +2 "$3/$1"); then
    read -r name noted <"$3/$1" || true
    [[ $noted == "$(tail -n +2 "$3/$1" | checksum)" ]] || name=''
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
