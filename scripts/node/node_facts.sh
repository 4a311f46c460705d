#!/usr/bin/env bash
# requires: lib certificate_facts certificate_names crashes credentials digest images kubelet_version managed permissions renewal_record serving timers trusted validity
# Facts of a cluster member, as lines of KEY<TAB>VALUE. Read-only and without judgement; runs as root.
# No settings. `node_facts` prints, in this order:
#   machine_id          /etc/machine-id
#   arch                as uname has it
#   member              the recorded membership (ID of the CA, machine), or ""
#   kubelet             version of the kubelet in place, or ""
#   staged              versions that are staged, separated by blanks
#   interrupted         yes if a change was interrupted
#   registering         yes if its Node registered again and does not have all of its new pods yet
#   cleanup_pending     yes if an upgrade has not been followed by a clean
#   credentials         sha256 of the credentials for registry mirrors, or "missing"
#   serving_key         sha256 of the public half of the key with which the kubelet serves
#   client_authorities  sha256 of the file with the CAs of the API server's clients, or "missing"
#   api_server_secrets  digest of the API server's secret files, or "missing" (api_server_secrets.py)
#   trust               checksum of the CAs and keys that it trusts (trusted.sh)
#   kubelet_ca          the same of the cluster's CA as the kubelet has read it
#   patched             the time whose security updates it has, or "" (patching.sh)
#   bridge              address and prefix length of the pods' bridge, or, where Calico connects pods
#                       without one, the share that flannel or Calico started with; or ""
#   plugin              what connects its pods, by the name of the CNI configuration; or ""
#   vtep                MAC address that flannel announced for this Node, or ""
#   renewal:SUBJECT     why it failed by the clock (renewal_record.sh)
#   service:NAME        systemd's state: active, inactive, failed, ..., or crash-looping
#   crash:NAME          why a service or a static pod is crash-looping, in its own words
#   file:PATH           sha256 of a file written by kubeadm-fleet or kubeadm, or "missing"; of the API
#                       server's certificate, that of its names: it is renewed
#   invalid:NAME        of a certificate that is missing or has expired: which it is (validity.sh)
#   exposed:PATH        why others may read or change a file of Kubernetes (permissions.sh)
#   part:NAME           digest of the files of a part that were last applied, or "pending" (managed.sh)
#   image:REFERENCE     state of an image that is not as it was sent: missing, incomplete or unpinned;
#                       and the checksum of its file, if that has to be sent
#   certificate, embedded, use    its certificates, and the files that are configured (certificate_facts.sh)
#   complete            yes: the end of the output
REGISTERING=$STATE/registering
WATCHED_SERVICES=(containerd kubelet kubeadm-fleet-haproxy kubeadm-fleet-keepalived)
node_facts() {
  export LC_ALL=C
  local name why reference status sum
  fact machine_id "$(cat /etc/machine-id)"
  fact arch "$(uname -m)"
  fact member "$(cat "$STATE/member" 2>/dev/null)"
  fact kubelet "$(kubelet_version)"
  fact staged "$(find "$STATE/staged" -mindepth 1 -maxdepth 1 -printf '%f ' 2>/dev/null)"
  fact interrupted "$([[ -d $STATE/pending-change ]] && echo yes || echo no)"
  fact registering "$([[ -e $REGISTERING ]] && echo yes || echo no)"
  fact cleanup_pending "$([[ -e $STATE/cleanup-pending ]] && echo yes || echo no)"
  fact credentials "$(digest "$CREDENTIALS")"
  fact serving_key "$(serving_key)"
  fact client_authorities "$(digest "$CLIENT_CA_FILE")"
  fact api_server_secrets "$(api_server_secrets_digest)"
  fact trust "$(trust_digest)"
  fact kubelet_ca "$(kubelet_ca_digest)"
  fact patched "$(cat "$STATE/patched" 2>/dev/null)"
  fact bridge "$(pods_share)"
  fact plugin "$(cni_plugin)"
  # flannel writes this file after its announcement.
  fact vtep "$([[ -s /run/flannel/subnet.env ]] && cat /sys/class/net/flannel.1/address 2>/dev/null)"
  renewal_failures | sed 's/^/renewal:/'
  watched_facts
  for name in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    [[ -f /etc/kubernetes/manifests/$name.yaml ]] || continue
    why=$(pod_crash "$name")
    [[ -z $why ]] || fact "crash:$name" "$why"
  done
  invalid_certificates | sed 's/^/invalid:/'
  read_limits
  exposed_files | sed 's/^/exposed:/'
  managed_parts | sed 's/^/part:/'
  print_certificates
  named_files
  while read -r reference status sum; do
    [[ ! -f $ARTIFACTS/$sum ]] || sum=''
    fact "image:$reference" "$status $sum"
  done < <(damaged_images)
  fact complete yes
}

# watched_facts: print the facts of services and files, which a change records as applied.
watched_facts() {
  local name said
  while read -r name _; do
    name=${name%.service}
    said=$(service_state "$name")
    fact "service:$name" "$said"
    [[ $said != "$CRASHING" ]] || fact "crash:$name" "$(service_error "$name")"
  done < <(systemctl list-unit-files --no-legend "${WATCHED_SERVICES[@]/%/.service}" "${TIMERS[@]}")
  # shellcheck disable=SC2046
  digests /etc/kubernetes/manifests/{etcd,kube-apiserver,kube-controller-manager,kube-scheduler}.yaml \
    /var/lib/kubelet/{config.yaml,instance-config.yaml,kubeadm-flags.env} $(managed_paths) | sed 's/^/file:/'
  [[ ! -f $APISERVER_CERTIFICATE ]] ||
    fact "file:$APISERVER_CERTIFICATE (its names)" "$(names_in "$APISERVER_CERTIFICATE" | sha256sum | cut -d ' ' -f 1)"
}

# cni_plugin: the runtime takes the configuration whose name sorts first.
cni_plugin() {
  local name
  for name in calico canal flannel; do
    if [[ -L /etc/cni/net.d/10-$name.conflist || -e /etc/cni/net.d/10-$name.conflist ]]; then
      echo "$name"
      return
    fi
  done
}

pods_share() {
  if [[ -L /etc/cni/net.d/10-calico.conflist ]]; then
    cat /run/calico/share 2>/dev/null
  elif [[ -L /etc/cni/net.d/10-canal.conflist ]]; then
    sed -n 's/^FLANNEL_SUBNET=//p' /run/flannel/subnet.env 2>/dev/null
  else
    ip -4 -oneline address show dev cni0 2>/dev/null | awk '{print $4; exit}'
  fi
}

# api_server_secrets_digest: print the digest of the API server's secret files, with all that is wrong with
# their modes.
api_server_secrets_digest() {
  local path folder=$API_SERVER_SECRETS_FOLDER
  [[ -d $folder ]] || { echo missing && return; }
  for path in "$folder"/*; do
    [[ -e $path ]] || continue
    [[ $(stat --format %a "$path") == 600 ]] || printf '%s\n' "$(stat --format %A "$path")"
    printf '%s\t%s\n' "${path##*/}" "$(base64 --wrap 0 <"$path")"
  done | sha256sum | cut -d ' ' -f 1
}
