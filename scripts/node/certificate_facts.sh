#!/usr/bin/env bash
# requires: paths
# What expires on a machine, and since when it has its keys. Read-only and without judgement; runs as
# root, and needs neither the API nor the kubelet. No private key is printed. No settings.
# `certificate_facts` prints lines of fields, separated by tabs:
#   certificates PATH TEXT      the certificates in a file, or in the data of a kubeconfig: PEM in base64
#   use USER PATH STATE         a file that a component or a kubeconfig names: present or missing
#   key PATH SECONDS TEXT       when a key was written (Unix time); the public half of an SSH host key
#   complete                    the end of the output
KUBERNETES=/etc/kubernetes
KUBELET_FOLDER=/var/lib/kubelet
# Files of certificates, and kubeconfigs, wherever a document names them.
NAMED="$KUBERNETES/[^[:space:]\",]+\.(crt|pem|conf)|$KUBELET_FOLDER/[^[:space:]\",]+\.(crt|pem|conf)"

certificate_facts() {
  export LC_ALL=C
  local path
  while IFS= read -r -d '' path; do
    certificates_in "$path"
  done < <(certificate_files)
  named_files
  key_ages
  echo complete
}

# certificate_files: print the files that may hold certificates. kubeadm's own copies of former files
# and the kubelet's former pairs are not in use.
certificate_files() {
  find -L "$KUBERNETES" "$KUBELET_FOLDER/pki" -path "$KUBERNETES/tmp" -prune -o -type f \
    \( -name '*.crt' -o -name '*.pem' -o -name '*.conf' \) ! -name 'kubelet-client-[0-9]*' -print0 \
    2>/dev/null | sort --zero-terminated
}

certificates_in() { # FILE
  local text
  while read -r text; do
    printf 'certificates\t%s\t%s\n' "$1" "$text"
  done < <(
    grep --quiet -e '^-----BEGIN CERTIFICATE-----' "$1" &&
      sed --quiet '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' "$1" | base64 --wrap=0 && echo
    awk '$1 ~ /^(client-certificate|certificate-authority)-data:$/ { print $2 }' "$1"
  )
}

# named_files: print the files that static pods, the kubelet and kubeconfigs are configured to read.
named_files() {
  local file
  for file in "$KUBERNETES"/manifests/*.yaml "$KUBELET_FOLDER/config.yaml" "$KUBERNETES"/*.conf; do
    [[ ! -f $file ]] || files_named_in "$file"
  done
  report_named_file kubelet "$KUBERNETES/kubelet.conf"
}

files_named_in() { # FILE
  local path user=${1##*/}
  [[ $1 != *.yaml ]] || user=${user%.yaml}
  [[ $1 != "$KUBELET_FOLDER/config.yaml" ]] || user=kubelet
  while read -r path; do
    report_named_file "$user" "$path"
  done < <(grep --only-matching --no-filename --extended-regexp "$NAMED" "$1" | sort --unique)
}

report_named_file() { # USER PATH
  printf 'use\t%s\t%s\t%s\n' "$1" "$2" "$([[ -s $2 ]] && echo present || echo missing)"
}

# key_ages: print since when the service-account key, the keys for encryption at rest and the SSH host
# keys are there.
key_ages() {
  local path
  for path in "$KUBERNETES/pki/sa.key" "$(encryption_config)"; do
    [[ ! -f $path ]] || printf 'key\t%s\t%s\t\n' "$path" "$(stat --format=%Y "$path")"
  done
  for path in /etc/ssh/ssh_host_*_key.pub; do
    [[ ! -f $path ]] || printf 'key\t%s\t%s\t%s\n' "${path%.pub}" "$(stat --format=%Y "$path")" "$(head -n 1 "$path")"
  done
}

encryption_config() {
  sed --quiet 's/.*--encryption-provider-config=\([^" ]*\).*/\1/p' \
    "$KUBERNETES/manifests/kube-apiserver.yaml" 2>/dev/null
}
