#!/usr/bin/env bash
# What the items of the CIS benchmark are about, on one machine: modes and owners of files, and what the
# running components were started with. Read-only and without judgement; runs as root, and needs
# neither the API nor the container runtime. No settings. No key, token or kubeconfig is printed.
# `cis_facts` prints lines of fields, separated by tabs:
#   path MODE OWNER:GROUP TYPE PATH    a file (f) or a folder (d); behind a link, what it leads to
#   unit PATH                          a file of the kubelet's service
#   process NAME ARGUMENTS             a running component: its arguments, each followed by a null
#                                      byte, in base64
#   variable NAME KEY=VALUE            a setting in a component's environment
#   document NAME FLAG PATH TEXT       a file that a flag names, in base64; TEXT is "" if there is none
#   provider WORD                      the encryption config without its keys: `providers`, and the
#                                      name of each of them
#   digest NAME FLAG SHA256            of a file of certificates that a flag names
#   complete                           the end of the output
CIS_PROCESSES=/proc
CIS_POD_LOGS=/var/log/pods

cis_facts() {
  export LC_ALL=C
  local process
  cis_paths -path /etc/kubernetes/tmp -prune -o
  cis_kubelet
  for process in "$CIS_PROCESSES"/[0-9]*; do
    cis_component "$process" 2>/dev/null
  done
  echo complete
}

# cis_paths TEST...: print the files of Kubernetes and of the pod network. A line break in a name is "?".
cis_paths() {
  find -L /etc/kubernetes /etc/cni/net.d /var/lib/cni "$@" -printf 'path\t%m\t%u:%g\t%y\t%p\0' 2>/dev/null |
    tr '\n\0' '?\n'
}

cis_kubelet() {
  local pid path
  while read -r path; do
    [[ $path != */kubelet.service* ]] || {
      printf 'unit\t%s\n' "$path"
      cis_path "" "$path"
    }
  done < <(systemctl show --property=FragmentPath,DropInPaths --value kubelet 2>/dev/null | tr ' ' '\n')
  pid=$(systemctl show --property=MainPID --value kubelet 2>/dev/null)
  [[ ${pid:-0} != 0 && -d $CIS_PROCESSES/$pid ]] || return 0
  cis_process kubelet "$CIS_PROCESSES/$pid"
  cis_flag_path kubelet "$CIS_PROCESSES/$pid" kubeconfig
  cis_flag_path kubelet "$CIS_PROCESSES/$pid" config
  cis_document kubelet "$CIS_PROCESSES/$pid" config
  cis_drop_ins "$CIS_PROCESSES/$pid"
}

# cis_drop_ins PROCESS: print the files that are merged into the kubelet's config, in their order.
cis_drop_ins() {
  local folder file
  folder=$(cis_flag "$1" config-dir)
  [[ $folder == /* ]] || return 0
  while read -r -d '' file; do
    cis_path "" "$file"
    printf 'document\tkubelet\tconfig-dir\t%s\t%s\n' "$file" "$(base64 --wrap=0 "$file")"
  done < <(find -L "$folder" -type f -name '*.conf' -print0 | sort --zero-terminated)
}

# cis_component PROCESS: print what is known of a process if it is a component of the cluster.
cis_component() {
  local name='' flag
  IFS= read -r -d '' name <"$1/cmdline" || return 0
  name=${name##*/}
  case $name in
    kube-apiserver | kube-controller-manager | kube-scheduler | etcd | kube-proxy) ;;
    *) return 0 ;;
  esac
  cis_is_system_pod "$1" "$name" || return 0
  cis_process "$name" "$1"
  case $name in
    kube-apiserver)
      for flag in authentication-config authorization-config audit-policy-file admission-control-config-file; do
        cis_document "$name" "$1" "$flag"
      done
      cis_providers "$1"
      cis_digest "$name" "$1" client-ca-file
      ;;
    kube-controller-manager | kube-scheduler) cis_flag_path "$name" "$1" kubeconfig ;;
    etcd)
      cis_flag_path "$name" "$1" data-dir
      cis_digest "$name" "$1" trusted-ca-file
      tr '\0' '\n' <"$1/environ" | sed --quiet 's/^\(ETCD_[A-Z_]*\(TLS\|AUTH\|FILE\)=.*\)/variable\tetcd\t\1/p'
      ;;
    kube-proxy)
      cis_document "$name" "$1" config
      ;;
  esac
}

# cis_is_system_pod PROCESS NAME: does it run in a pod of kube-system that is called NAME-...? A pod of
# another namespace may have a process of the same name.
cis_is_system_pod() {
  local cgroup
  cgroup=$(<"$1/cgroup")
  [[ $cgroup =~ pod([0-9a-f_-]{32,36}) ]] || return 1
  compgen -G "$CIS_POD_LOGS/kube-system_$2-*_${BASH_REMATCH[1]//_/-}" >/dev/null
}

cis_process() { # NAME PROCESS
  printf 'process\t%s\t%s\n' "$1" "$(base64 --wrap=0 "$2/cmdline")"
}

# cis_flag PROCESS FLAG: print the last value of a flag.
cis_flag() {
  tr '\0' '\n' <"$1/cmdline" | awk -v flag="--$2" '
    follows { value = $0; follows = 0; next }
    $0 == flag { follows = 1 }
    index($0, flag "=") == 1 { value = substr($0, length(flag) + 2) }
    END { print value }'
}

# cis_path ROOT PATH: print a file, as a process with this root has it.
cis_path() {
  find -L "$1$2" -maxdepth 0 -printf 'path\t%m\t%u:%g\t%y\t' 2>/dev/null && printf '%s\n' "$2"
}

cis_flag_path() { # NAME PROCESS FLAG
  local path
  path=$(cis_flag "$2" "$3")
  [[ $path != /* ]] || cis_path "$2/root" "$path"
}

cis_document() { # NAME PROCESS FLAG
  local path
  path=$(cis_flag "$2" "$3")
  [[ $path != /* ]] ||
    printf 'document\t%s\t%s\t%s\t%s\n' "$1" "$3" "$path" "$(base64 --wrap=0 "$2/root$path" 2>/dev/null)"
}

# cis_providers PROCESS: print which providers the encryption config names, in their order.
cis_providers() {
  local path
  path=$(cis_flag "$1" encryption-provider-config)
  [[ $path == /* ]] || return 0
  sed 's/#.*//' "$1/root$path" |
    grep --only-matching --extended-regexp '(providers|identity|aescbc|aesgcm|secretbox|kms)"?[[:space:]]*:' |
    sed --regexp-extended 's/^([a-z]+).*/provider\t\1/'
}

cis_digest() { # NAME PROCESS FLAG
  local path
  path=$(cis_flag "$2" "$3")
  [[ $path != /* || ! -f $2/root$path ]] ||
    printf 'digest\t%s\t%s\t%s\n' "$1" "$3" "$(sha256sum <"$2/root$path" | cut -d ' ' -f 1)"
}
