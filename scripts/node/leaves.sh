#!/usr/bin/env bash
# requires: lib
# The leaf certificates of a control plane, by the names that `kubeadm certs` has for them.
# Only functions.
#
# kubeadm makes each new pair in a scratch directory in memory, beside links to the CAs, without the
# API. A single rename replaces the previous pair, and no component is restarted: etcd and client-go read
# certificate and key from one PEM file, again and again. kubeadm's own two files are renewed before, for
# kubeadm and etcdctl.
#
# kubeadm mounts the kubeconfigs of the controller manager and of the scheduler as single files, which
# never change in a container: they name files in mounted directories. admin.conf, which people copy,
# embeds its pair.
KUBERNETES=/etc/kubernetes
# shellcheck disable=SC2034
LEAVES=(etcd-server etcd-peer etcd-healthcheck-client apiserver apiserver-etcd-client
  apiserver-kubelet-client front-proxy-client controller-manager.conf scheduler.conf admin.conf)

# leaf_path NAME: print the path from which its readers have it.
leaf_path() {
  case $1 in
    controller-manager.conf) echo $KUBERNETES/pki/controller-manager.pem ;;
    scheduler.conf) echo $KUBERNETES/scheduler/client.pem ;;
    admin.conf) echo $KUBERNETES/admin.conf ;;
    etcd-healthcheck-client) echo "$KUBERNETES/$(pair_of "$1").crt" ;;
    *) echo "$KUBERNETES/$(pair_of "$1").pem" ;;
  esac
}

# pair_of NAME: print the path of kubeadm's own pair, without .crt and .key, below /etc/kubernetes.
pair_of() {
  echo "pki/${1/#etcd-/etcd/}"
}

# leaf_certificate NAME: print the certificate that its readers have.
leaf_certificate() {
  if [[ $1 == admin.conf ]]; then
    embedded client-certificate-data $KUBERNETES/admin.conf 2>/dev/null | openssl x509 2>/dev/null
  else
    openssl x509 -in "$(leaf_path "$1")" 2>/dev/null
  fi
}

embedded() { # FIELD KUBECONFIG
  awk -v field="$1:" '$1 == field {print $2; exit}' "$2" | base64 --decode
}

# expiry_of NAME: print when it expires, in seconds since the epoch; fail if it is missing.
expiry_of() {
  local certificate
  certificate=$(leaf_certificate "$1") || return
  date_of enddate "$certificate"
}

date_of() { # startdate|enddate CERTIFICATE
  date --date="$(openssl x509 -noout "-$1" <<<"$2" | cut -d = -f 2)" +%s
}

# leaf_state NAME: print missing, expired, due (in the last third of its validity) or valid.
leaf_state() {
  local certificate expiry
  certificate=$(leaf_certificate "$1") || {
    echo missing
    return
  }
  expiry=$(date_of enddate "$certificate")
  if ((EPOCHSECONDS >= expiry)); then
    echo expired
  elif ((3 * (expiry - EPOCHSECONDS) <= expiry - $(date_of startdate "$certificate"))); then
    echo due
  else
    echo valid
  fi
}

# renew_leaf NAME: replace it by a new one with the same subject and names.
renew_leaf() {
  local certificate
  certificate=$(leaf_certificate "$1") ||
    die "the certificate of $1 ($(leaf_path "$1")) is missing" "run 'fleet up' to issue it again"
  renewal_documents >"$RUN/renewal.yaml"
  open_scratch "$RUN/renewal.yaml"
  if [[ $1 == *.conf ]]; then
    make_leaf "$1"
  else
    printf '%s\n' "$certificate" >"$SCRATCH/$(pair_of "$1").crt"
    logged "renew-$1" kubeadm certs renew "$1" --config "$SCRATCH/config.yaml"
  fi
  install_leaf "$1"
}

# renewal_documents: print the documents for a renewal, which do not depend on the API server's names.
renewal_documents() {
  cat "$INIT_CONFIGURATION"
  printf -- '---\n'
  cat "$LEAF_CONFIGURATION"
  printf 'kubernetesVersion: %s\n' "$(kubeadm version --output short)"
}

# issue_leaf NAME DOCUMENTS: issue it as the file with kubeadm's documents has it, whether or not there
# is one, with a kubeconfig that names it.
issue_leaf() {
  open_scratch "$2"
  make_leaf "$1"
  install_leaf "$1"
}

# issue_leaves DOCUMENTS: issue all of them, with the kubeconfigs that name them.
issue_leaves() {
  local name
  open_scratch "$1"
  logged issue-certificates kubeadm init phase certs all --config "$SCRATCH/config.yaml"
  logged issue-kubeconfigs kubeadm init phase kubeconfig all --kubeconfig-dir "$SCRATCH" \
    --config "$SCRATCH/config.yaml"
  for name in "${LEAVES[@]}"; do
    stage_leaf "$name"
  done
  replace_staged
}

# open_scratch DOCUMENTS: create a directory like /etc/kubernetes with the CAs alone, and the
# documents for it.
open_scratch() {
  local name
  SCRATCH=$RUN/leaves
  rm -rf "$SCRATCH"
  mkdir -p "$SCRATCH/pki/etcd"
  for name in {ca,front-proxy-ca,etcd/ca}.{crt,key} sa.key sa.pub; do
    ln -s "$KUBERNETES/pki/$name" "$SCRATCH/pki/$name"
  done
  sed -e '/^certificatesDir:/d' -e "/^kind: ClusterConfiguration/a certificatesDir: $SCRATCH/pki" \
    "$1" >"$SCRATCH/config.yaml"
}

# make_leaf NAME: have kubeadm make it in the scratch directory.
make_leaf() {
  if [[ $1 == *.conf ]]; then
    logged "issue-$1" kubeadm init phase kubeconfig "${1%.conf}" --kubeconfig-dir "$SCRATCH" \
      --config "$SCRATCH/config.yaml"
    begin_now "$SCRATCH/$1"
  else
    logged "issue-$1" kubeadm init phase certs "$1" --config "$SCRATCH/config.yaml"
  fi
}

# begin_now KUBECONFIG: have the certificate in it begin now. kubeadm issues it as if it had begun with its CA,
# so that years later a third of its validity would be longer than what is left from the beginning. A renewal
# keeps the subject of any client certificate.
begin_now() {
  local pair=$SCRATCH/pki/apiserver-kubelet-client
  embedded client-certificate-data "$1" >"$pair.crt"
  logged "begin-${1##*/}" kubeadm certs renew apiserver-kubelet-client --config "$SCRATCH/config.yaml"
  sed -i -e "s|client-certificate-data: .*|client-certificate-data: $(base64 --wrap 0 "$pair.crt")|" \
    -e "s|client-key-data: .*|client-key-data: $(base64 --wrap 0 "$pair.key")|" "$1"
}

# install_leaf NAME: put what kubeadm made in place.
install_leaf() {
  stage_leaf "$1"
  replace_staged
}

# stage_leaf NAME: stage its files. The one that its readers have comes last: until then it is still due.
stage_leaf() {
  local path pair kind
  path=$(leaf_path "$1")
  pair=$(pair_of "$1")
  case $1 in
    admin.conf) trusting_all <"$SCRATCH/admin.conf" | stage_file "$path" ;;
    *.conf)
      {
        embedded client-key-data "$SCRATCH/$1"
        embedded client-certificate-data "$SCRATCH/$1"
        chain_of "$1"
      } | stage_file "$path"
      stage_kubeconfig "$1" "$path" "${path%/*}/ca.crt"
      ;;
    *)
      chain_of "$1" >>"$SCRATCH/$pair.crt"
      for kind in key crt; do
        stage_file "$KUBERNETES/$pair.$kind" <"$SCRATCH/$pair.$kind"
      done
      [[ $path == *.crt ]] || cat "$SCRATCH/$pair".{key,crt} | stage_file "$path"
      ;;
  esac
}

# authority_of NAME: print the path of the CA that issues it, without .crt and .key, below pki.
authority_of() {
  case $1 in
    etcd-* | apiserver-etcd-client) echo etcd/ca ;;
    front-proxy-client) echo front-proxy-ca ;;
    *) echo ca ;;
  esac
}

# chain_of NAME: print what it is shown with, so that those who trust the former CA alone verify it. Only in
# one phase of a rotation is there anything.
chain_of() {
  cat "$KUBERNETES/pki/$(authority_of "$1")-chain.crt" 2>/dev/null || true
}

# trusting_all: copy a kubeconfig from standard input with all CAs in place of the one that kubeadm knows.
trusting_all() {
  sed "s|certificate-authority-data: .*|certificate-authority-data: $(base64 --wrap 0 $KUBERNETES/pki/ca.crt)|"
}

# stage_kubeconfig NAME LEAF CA: stage what kubeadm made with the names of these files in place of their
# content, and the CA's file, unless they are in place.
stage_kubeconfig() {
  sed -e "s|certificate-authority-data: .*|certificate-authority: $3|" \
    -e "s|client-certificate-data: .*|client-certificate: $2|" \
    -e "s|client-key-data: .*|client-key: $2|" "$SCRATCH/$1" >"$SCRATCH/kubeconfig"
  cmp --silent "$SCRATCH/kubeconfig" "$KUBERNETES/$1" || stage_file "$KUBERNETES/$1" <"$SCRATCH/kubeconfig"
  cmp --silent $KUBERNETES/pki/ca.crt "$3" || stage_file "$3" <$KUBERNETES/pki/ca.crt
}

# stage_file PATH: write standard input beside the file that it will replace, unless that is the same.
stage_file() {
  mkdir -p "${1%/*}"
  (umask 077 && cat >"$1.new")
  if [[ -f $1 && ! -L $1 ]] && cmp --silent "$1" "$1.new"; then
    chown --reference "$1.new" "$1"
    chmod --reference "$1.new" "$1"
    rm "$1.new"
    return
  fi
  printf '%s\n' "$1" >>"$SCRATCH/staged"
}

# replace_staged: rename all staged files in their order, once they are on the disk.
replace_staged() {
  local paths path
  [[ -f $SCRATCH/staged ]] || return 0
  mapfile -t paths <"$SCRATCH/staged"
  sync "${paths[@]/%/.new}"
  for path in "${paths[@]}"; do
    mv "$path.new" "$path"
  done
  sync "${paths[@]%/*}"
  rm "$SCRATCH/staged"
}
