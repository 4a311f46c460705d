#!/usr/bin/env bash
# requires: paths renewal_record
# What expires on a machine, and since when it has its keys. Read-only and without judgement; runs as
# root, and needs neither the API nor the kubelet. No private key is printed. No settings.
# `certificate_facts` prints lines of fields, separated by tabs:
#   certificate PATH TEXT       a certificate in a file: DER in base64, "" if its end is missing
#   embedded PATH TEXT          the certificates in the data of a kubeconfig: PEM in base64
#   use USER PATH STATE         a file that a component or a kubeconfig names: present or missing
#   key PATH SECONDS TEXT       when a key was written (Unix time); the public half of an SSH host key, or
#                               of the service-account key: DER in base64
#   renewal SUBJECT TIME succeeded DETAILS    what was last done by the clock (renewal_record.sh)
#   failure SUBJECT REASON      what failed by the clock, or has not been done
#   complete                    the end of the output
KUBERNETES_FOLDER=/etc/kubernetes
KUBELET_FOLDER=/var/lib/kubelet
# Files of certificates, and kubeconfigs, wherever a document names them.
NAMED="$KUBERNETES_FOLDER/[^[:space:]\",]+\.(crt|pem|conf)|$KUBELET_FOLDER/[^[:space:]\",]+\.(crt|pem|conf)"

certificate_facts() {
  export LC_ALL=C
  print_certificates
  named_files
  key_ages
  [[ ! -f $RENEWALS ]] || sed --quiet '/\tsucceeded\t/s/^/renewal\t/p' "$RENEWALS"
  renewal_failures | sed 's/^/failure\t/'
  echo complete
}

print_certificates() {
  local files
  mapfile -d '' files < <(certificate_files)
  # With /dev/null it never reads standard input.
  awk '
    function cut_off() { if (inside) print "certificate\t" file "\t"; inside = 0 }
    FNR == 1 { cut_off(); file = FILENAME }
    /^-----BEGIN CERTIFICATE-----/ { text = ""; inside = 1; next }
    /^-----END CERTIFICATE-----/ { print "certificate\t" file "\t" text; inside = 0; next }
    inside { text = text $0 }
    $1 ~ /^(client-certificate|certificate-authority)-data:$/ { print "embedded\t" file "\t" $2 }
    END { cut_off() }' /dev/null "${files[@]}"
}

# certificate_files: print the files that may hold certificates, each followed by a null byte. kubeadm'"'"'s
# copies of former files and the kubelet'"'"'s former pairs are not in use.
certificate_files() {
  find -L "$KUBERNETES_FOLDER" "$KUBELET_FOLDER/pki" -path "$KUBERNETES_FOLDER/tmp" -prune -o -type f \
    \( -name '*.crt' -o -name '*.pem' -o -name '*.conf' \) ! -name 'kubelet-client-[0-9]*' -print0 \
    2>/dev/null | sort --zero-terminated
}

# named_files: print the files that static pods, the kubelet and kubeconfigs are configured to read.
named_files() {
  local file path
  while IFS=: read -r file path; do
    file=${file##*/}
    case $file in
      config.yaml) report_named_file kubelet "$path" ;;
      *.yaml) report_named_file "${file%.yaml}" "$path" ;;
      *) report_named_file "$file" "$path" ;;
    esac
  done < <(grep --only-matching --with-filename --no-messages --extended-regexp "$NAMED" \
    "$KUBERNETES_FOLDER"/manifests/*.yaml "$KUBELET_FOLDER/config.yaml" "$KUBERNETES_FOLDER"/*.conf | sort --unique)
  report_named_file kubelet "$KUBERNETES_FOLDER/kubelet.conf"
}

report_named_file() { # USER PATH
  local state=missing
  [[ ! -s $2 ]] || state=present
  printf 'use\t%s\t%s\t%s\n' "$1" "$2" "$state"
}

# key_ages: print since when the service-account key, the keys for encryption at rest and the SSH host
# keys are there.
key_ages() {
  local path
  path=$KUBERNETES_FOLDER/pki/sa.key
  [[ ! -f $path ]] || printf 'key\t%s\t%s\t%s\n' "$path" "$(stat --format=%Y "$path")" "$(public_half "$path")"
  path=$(encryption_config)
  [[ ! -f $path ]] || printf 'key\t%s\t%s\t\n' "$path" "$(stat --format=%Y "$path")"
  for path in /etc/ssh/ssh_host_*_key.pub; do
    [[ ! -f $path ]] || printf 'key\t%s\t%s\t%s\n' "${path%.pub}" "$(stat --format=%Y "$path")" "$(head -n 1 "$path")"
  done
}

public_half() { # PATH
  openssl pkey -in "$1" -pubout -outform DER 2>/dev/null | base64 --wrap 0
}

encryption_config() {
  sed --quiet 's/.*--encryption-provider-config=\([^" ]*\).*/\1/p' \
    "$KUBERNETES_FOLDER/manifests/kube-apiserver.yaml" 2>/dev/null
}
