#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# leaks.sh sees what it must: one of each is planted, and each must be reported.
. "${0%/*}/lib.sh"

leaks=$SOURCE_DIR/tests/leaks.sh
snapshot=/run/leaks.snapshot

# reported WHAT REGEX: the next comparison names it.
reported() {
	local output
	output=$(LEAKS_WAIT=0 "$leaks" compare "$snapshot" 2>&1)
	is "comparing after '$1' fails" $? 1
	like "$1 is reported" "$output" "$2"
}

"$leaks" snapshot "$snapshot"
ok "without a change nothing is reported" "$leaks" compare "$snapshot"

sleep 1000 &
sleeper=$!
reported "a process" "[+] processes"$'\t'"$sleeper sleep"
stop "$sleeper" 2>/dev/null

ip netns add planted
reported "a namespace with a name" "[+] netns"$'\t'"planted"
ip netns del planted

unshare --net sleep 1000 &
sleeper=$!
wait_for 5 test ! "/proc/$sleeper/ns/net" -ef /proc/self/ns/net
reported "a namespace with a process" "[+] netns"$'\t'"[0-9]+ +sleep"
stop "$sleeper" 2>/dev/null

ip link add planted0 type veth peer name planted1
reported "a link" "[+] links"$'\t'"[0-9]+ planted0"
ip address add 192.0.2.1/24 dev planted0
ip link set planted0 up
reported "an address" "[+] addresses"$'\t'"[0-9]+: planted0 .*192.0.2.1/24"
ip route add 198.51.100.0/24 dev planted0
reported "a route" "[+] routes"$'\t'"198.51.100.0/24 dev planted0"
tc qdisc add dev planted0 clsact
reported "a qdisc" "[+] qdiscs"$'\t'"qdisc clsact ffff: dev planted0"
ip link del planted0

ip rule add priority 4242 to 192.0.2.9 lookup main
reported "a rule" "[+] rules"$'\t'"4242:"
ip rule del priority 4242

nft add table ip planted
nft 'add chain ip planted forward'
nft 'add rule ip planted forward ip daddr 192.0.2.1 counter drop'
reported "an nft rule" "[+] nft"$'\t'"ip planted chain forward .*192.0.2.1"
nft delete table ip planted

iptables-legacy -A FORWARD -d 192.0.2.1 -j DROP
reported "an iptables rule" "[+] iptables"$'\t'"iptables filter -A FORWARD -d 192.0.2.1"
iptables-legacy -F FORWARD
rm /run/xtables.lock

mkdir "$TEST_DIR/mounted"
mount -t tmpfs planted "$TEST_DIR/mounted"
reported "a mount" "[+] mounts"$'\t'"/ $TEST_DIR/mounted .* tmpfs planted"
umount "$TEST_DIR/mounted"
rmdir "$TEST_DIR/mounted"

findmnt --raw --noheadings --output TARGET --types cgroup,cgroup2 >"$TEST_DIR/hierarchies"
while read -r hierarchy; do
	mkdir "$hierarchy/planted"
	reported "a cgroup below $hierarchy" "[+] cgroups"$'\t'"$hierarchy/planted"
	rmdir "$hierarchy/planted"
done <"$TEST_DIR/hierarchies"
rm "$TEST_DIR/hierarchies"

bpftool map create /sys/fs/bpf/planted type array key 4 value 4 entries 1 name planted
reported "a pin" "[+] pins"$'\t'"/sys/fs/bpf/planted"
reported "a BPF map" "[+] bpf"$'\t'"map [0-9]+ array name planted"
rm /sys/fs/bpf/planted

sysctl -qw net.ipv4.ip_forward=1
reported "a sysctl" "[+] sysctls"$'\t'"/proc/sys/net/ipv4/ip_forward:1"
sysctl -qw net.ipv4.ip_forward=0

for dir in /run /etc/cni/net.d /opt/cni/bin /etc/containers /etc/podnet /var/lib/podnet \
	/var/lib/cni /var/log/pods /var/log/containers; do
	mapfile -t made < <(mkdir -pv "$dir" | cut -d"'" -f2 | tac)
	"$leaks" snapshot "$snapshot"
	touch "$dir/planted"
	reported "a file in $dir" "[+] files"$'\t'"$dir/planted f"
	rm "$dir/planted"
	[ ${#made[@]} -eq 0 ] || rmdir "${made[@]}"
done

mkdir -p /etc/containers
echo one >/etc/containers/planted
"$leaks" snapshot "$snapshot"
echo two three >/etc/containers/planted
reported "a changed file" "[-] files"$'\t'"/etc/containers/planted f"
rm /etc/containers/planted

fails "an unknown section is an error" "cannot list nonsense" "$leaks" snapshot "$snapshot" nonsense
fails "a snapshot that cannot be read is an error" "No such file" "$leaks" compare "$TEST_DIR/none"
rm "$snapshot"
done_testing
