#!/usr/bin/env bash
# Firewall rules of a cluster on this machine: the chains that kube-proxy, the kubelet, flannel and its
# portmap plugin make, by their exact names, those of Calico by its prefix, and the rules that jump to
# them or have Calico's mark as a comment. Everything else belongs to others. Only functions.
KUBE_PROXY_NAMES='(SERVICES|EXTERNAL-SERVICES|NODEPORTS|POSTROUTING|MARK-MASQ|FORWARD|PROXY-FIREWALL|PROXY-CANARY)'
KUBELET_NAMES='(FIREWALL|MARK-DROP|KUBELET-CANARY|IPTABLES-HINT)'
# Services and endpoints have hashes of 16 digits; not every awk knows {16}.
DIGITS='[A-Z2-7][A-Z2-7][A-Z2-7][A-Z2-7]'
HASHED_NAMES="(SVC|SVL|FW|EXT|SEP)-$DIGITS$DIGITS$DIGITS$DIGITS"
NETWORK_NAMES='FLANNEL-(POSTRTG|FWD)|CNI-HOSTPORT-(DNAT|SETMARK|MASQ|SNAT)|cali-[A-Za-z0-9_-]+'
OWNED_CHAINS="^(KUBE-($KUBE_PROXY_NAMES|$KUBELET_NAMES|$HASHED_NAMES)|$NETWORK_NAMES)\$"
# The name of the pod network in portmap's rules (manifests/cni).
POD_NETWORK=cbr0
# A machine has one of the two back ends, or both.
BACK_ENDS=(iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy)

# owned_chains: print the chains with names of a cluster's, as BACK_END:TABLE:CHAIN.
owned_chains() {
  local kind
  for kind in "${BACK_ENDS[@]}"; do
    command -v "$kind-save" >/dev/null || continue
    "$kind-save" 2>/dev/null | chains_named "$OWNED_CHAINS" | sed "s/^/$kind:/"
  done
}

# chains_named PATTERN: print the chains with such names, as TABLE:CHAIN, from iptables-save's output.
chains_named() {
  awk -v pattern="$1" '
    /^\*/ {table = substr($1, 2)}
    /^:/ && substr($1, 2) ~ pattern {print table ":" substr($1, 2)}'
}

nft_tables() {
  ! command -v nft >/dev/null || nft list tables | awk '{print $2, $3}'
}

# owned_rules BACK_END KEPT: read rules as iptables-save prints them, and print what removes a cluster's
# chains, for iptables-restore --noflush. KEPT are chains that stay, as owned_chains prints them.
# portmap's own chains stay as long as another network has rules in them.
owned_rules() {
  awk -v kind="$1" -v kept="$2" -v owned="$OWNED_CHAINS" -v network="$POD_NETWORK" '
    BEGIN {split(kept, lines, "\n"); for (i in lines) stays[lines[i]] = 1}
    function target(rule) {
      gsub(/"([^"\\]|\\.)*"/, "", rule)
      return match(rule, / -[jg] [^ ]+/) ? substr(rule, RSTART + 4, RLENGTH - 4) : ""
    }
    function is_owned(chain) {
      if (stays[kind ":" table ":" chain]) return 0
      if (chain ~ /^CNI-HOSTPORT-/ && shared) return 0
      return chain ~ owned || chain in mapped
    }
    function is_calico(rule) {return rule ~ / --comment "?cali:[A-Za-z0-9_-]+"?( |$)/}
    /^\*/ {table = substr($1, 2); rules = chains = shared = 0; delete mapped; next}
    /^:/ {chain[++chains] = substr($1, 2); next}
    /^-A / {
      rule[++rules] = $0
      if ($2 != "CNI-HOSTPORT-DNAT") next
      if (index($0, "name: \\\"" network "\\\"")) mapped[target($0)] = 1; else shared = 1
    }
    /^COMMIT/ {
      print "*" table
      for (i = 1; i <= chains; i++) if (is_owned(chain[i])) print ":" chain[i] " - [0:0]"
      for (i = 1; i <= rules; i++) {
        split(rule[i], word, " ")
        if (!is_owned(word[2]) && (is_owned(target(rule[i])) || is_calico(rule[i]))) print "-D" substr(rule[i], 3)
      }
      for (i = 1; i <= chains; i++) if (is_owned(chain[i])) print "-X " chain[i]
      print "COMMIT"
    }'
}
