#!/usr/bin/env bash
# requires: lib
# settings: NODE_ADDRESS SELF TCP_PORTS TRIALS POD_SUBNET
# Try ports between this host and others, before anything listens on them: docs/ports.md. Nothing is
# written, and all of it ends when standard input does.
#
# It is written in perl, since perl-base is the only program on every Debian and Ubuntu that can do it:
# bash's /dev/tcp does not listen, /dev/udp does not receive, and neither knows IP protocols; ss shows
# sockets and opens none; socat, nc, tcpdump and Python may be missing, and are not installed yet. A raw
# socket sees a datagram although a member's service has its port.
#   SELF       this host's number, which its datagrams carry
#   TCP_PORTS  where to listen; a port that is in use has a service that answers
#   TRIALS     lines of PROTOCOL ADDRESS PORT, where to send: TCP, UDP, IP (its port is the protocol)
# Three phases, as all hosts must listen before one sends, and until the last has sent. The answers:
#   firewall KIND [FAMILY TABLE CHAIN], if one is active; forward FAMILY TABLE CHAIN, if that drops what
#   POD_SUBNET sends; identity NAME VALUE for each mark; ready
#   after a line on standard input: TCP ADDRESS PORT for each connection; sent
#   after another: PROTOCOL PORT SELF for each other host whose datagrams arrived; done
try_ports() {
  export PATH=$PATH:/usr/sbin:/sbin NODE_ADDRESS SELF TCP_PORTS TRIALS LC_ALL=C
  active_firewall
  closed_forward
  host_identity | sed 's/^/identity /'
  exec perl -e "$(port_agent)"
}

# host_identity: print what tells this host from others, and the MTU of the Node's interface.
host_identity() {
  local interface address
  read -r _ interface _ address _ < <(ip -oneline -4 address show to "$NODE_ADDRESS")
  echo "product_uuid $(cat /sys/class/dmi/id/product_uuid 2>/dev/null)"
  echo "machine_id $(cat /etc/machine-id)"
  echo "hostname $(uname -n)"
  echo "address ${address:-}"
  echo "mac $(cat "/sys/class/net/${interface:-}/address" 2>/dev/null)"
  echo "mtu $(cat "/sys/class/net/${interface:-}/mtu" 2>/dev/null)"
}

# active_firewall: print what drops packets on their way in unless a rule accepts them.
active_firewall() {
  local chain
  if [[ $(ufw status 2>/dev/null) == 'Status: active'* ]]; then
    echo 'firewall ufw'
  elif [[ $(firewall-cmd --state 2>/dev/null) == running ]]; then
    echo 'firewall firewalld'
  elif chain=$(nft list ruleset 2>/dev/null | closed_chain input) && [[ $chain ]]; then
    echo "firewall nft $chain"
  elif iptables -S INPUT 2>/dev/null | grep -qE '^-P INPUT DROP|^-A INPUT -j (DROP|REJECT)'; then
    echo 'firewall iptables'
  fi
}

# closed_forward: print the chain that drops packets which this host forwards, unless the rules know the
# pods' network. In iptables' own chain flannel lets them pass.
closed_forward() {
  local rules
  rules=$(nft list ruleset 2>/dev/null) || return 0
  [[ $rules == *"$POD_SUBNET"* ]] || closed_chain forward <<<"$rules" | sed 's/^/forward /'
}

# closed_chain HOOK: print FAMILY TABLE CHAIN of the first chain for IPv4 of this hook in a rule set that
# drops or rejects by its policy or by a rule without a condition.
closed_chain() {
  awk -v hook="hook $1 " '
    /^table/ { table = $2 " " $3 }
    /^\tchain/ { chain = $2; ours = 0 }
    index($0, hook) && table !~ /^ip6 / && chain != "FORWARD" { ours = 1 }
    ours && (/policy drop/ || /^\t\t(counter packets [0-9]+ bytes [0-9]+ )?(drop|reject)/) {
      print table, chain
      exit
    }'
}

# Datagrams are counted by raw sockets, which get them once the firewall has let them pass, whether or
# not the port is in use. They begin with what neither VXLAN nor VRRP takes for its own.
port_agent() {
  cat <<'END'
use strict;
use Fcntl;
use Socket;

my ($ATTACH_FILTER, $MAGIC, $SECONDS, $SENDINGS) = (26, 0x00666c74, 3.5, 3);
my %PROTOCOLS = (UDP => 17, IP => 112);
my $own = inet_aton($ENV{NODE_ADDRESS}) or die "$ENV{NODE_ADDRESS} is no address\n";
my @trials = map { [split] } split /\n/, $ENV{TRIALS};
my (%receivers, %seen);
$| = 1;
$SIG{ALRM} = sub { die "nothing was heard from the other hosts for 120 s\n" };
alarm 120;

sub listening {
  my ($port) = @_;
  socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
  setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($listener, sockaddr_in($port, $own)) && listen($listener, 1024) or return ();
  return $listener;
}

# What begins with the magic number behind the headers: bpf(4), struct sock_fprog.
sub receiving {
  my ($number, $header) = @_;
  socket(my $receiver, PF_INET, SOCK_RAW, $number) or die "raw socket: $!\n";
  my $code = join "", map { pack "SCCL", @$_ }
    [0xb1, 0, 0, 0], [0x40, 0, 0, $header], [0x15, 0, 1, $MAGIC], [6, 0, 0, 65535], [6, 0, 0, 0];
  setsockopt($receiver, SOL_SOCKET, $ATTACH_FILTER, pack("Sx6P", 5, $code)) or die "filter: $!\n";
  bind($receiver, sockaddr_in(0, $own));
  fcntl($receiver, F_SETFL, O_NONBLOCK);
  return $receiver;
}

sub count_datagrams {
  while (my ($protocol, $receiver) = each %receivers) {
    while (defined recv($receiver, my $packet, 2048, 0)) {
      my $headers = 4 * (ord($packet) & 15);
      my $port = $protocol eq "UDP" ? unpack("n", substr $packet, $headers + 2) : $PROTOCOLS{IP};
      $headers += 8 if $protocol eq "UDP";
      $seen{"$protocol $port " . unpack "N", substr $packet, $headers + 4} = 1;
    }
  }
}

sub await_line {
  my $stdin = "";
  vec($stdin, fileno(STDIN), 1) = 1;
  count_datagrams() until select(my $ready = $stdin, undef, undef, 0.1) > 0;
  sysread(STDIN, my $line, 1) or exit 0;
}

sub connecting {
  my ($address, $port) = @_;
  socket(my $connection, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
  fcntl($connection, F_SETFL, O_NONBLOCK);
  connect($connection, sockaddr_in($port, inet_aton($address)));
  return $connection;
}

sub send_datagrams {
  for (grep { exists $PROTOCOLS{$_->[0]} } @trials) {
    my ($protocol, $address, $port) = @$_;
    my ($type, $number) = $protocol eq "UDP" ? (SOCK_DGRAM, 0) : (SOCK_RAW, $port);
    socket(my $sender, PF_INET, $type, $number) or die "socket: $!\n";
    bind($sender, sockaddr_in(0, $own));
    my $to = sockaddr_in($protocol eq "UDP" ? $port : 0, inet_aton($address));
    send($sender, pack("NN", $MAGIC, $ENV{SELF}), 0, $to);
  }
}

my @listeners = map { listening($_) } split " ", $ENV{TCP_PORTS};
%receivers = (UDP => receiving($PROTOCOLS{UDP}, 8), IP => receiving($PROTOCOLS{IP}, 0));
print "ready\n";
await_line();
my %open = map { ("@$_" => connecting(@$_[1, 2])) } grep { $_->[0] eq "TCP" } @trials;
my $datagrams = grep { exists $PROTOCOLS{$_->[0]} } @trials;
for my $tick (0 .. $SECONDS * 10) {
  send_datagrams() if $tick % 4 == 0 && $tick < 4 * $SENDINGS;
  count_datagrams();
  for (grep { getpeername $open{$_} } keys %open) {
    print "$_\n";
    delete $open{$_};
  }
  last if !%open && (!$datagrams || $tick > 4 * ($SENDINGS - 1));
  select(undef, undef, undef, 0.1);
}
print "sent\n";
await_line();
count_datagrams();
print map({ "$_\n" } sort keys %seen), "done\n";
END
}
