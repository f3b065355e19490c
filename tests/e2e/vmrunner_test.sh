#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tools/vm with machines that go wrong: a program in qemu's place writes to the console and to the port
# for TAP what a kernel, or a test in it, would have written.
. "${0%/*}/../netns/lib.sh"

for program in cpio mkfs.ext4 depmod /usr/lib/qemu/virtiofsd; do
	command -v "$program" >/dev/null || skip_all "$program is not installed"
done
# Machines are shown what is on the file system of /, which the test's own directory is not.
BUILD_ROOT=$(mktemp -d "$PODNET_BIN/vm.XXXXXX")
at_exit rm -rf "$BUILD_ROOT"
export BUILD_ROOT BUILD=$PODNET_BIN VM_QEMU=$TEST_DIR/qemu

# A kernel without modules: what a VM needs first is built in.
kernel=$BUILD_ROOT/vm/fake
mkdir -p "$kernel/lib/modules/0.0-fake"
echo 0.0-fake >"$kernel/release"
printf 'kernel/%s.ko\n' virtio_pci virtiofs overlay >"$kernel/lib/modules/0.0-fake/modules.builtin"
touch "$kernel/vmlinuz" "$kernel/lib/modules/0.0-fake/modules.order"
touch "$kernel/lib/modules/0.0-fake/modules.builtin.modinfo"
depmod --basedir "$kernel" 0.0-fake

# The machine: runs $TEST_DIR/guest with its number, and the files of both ports as descriptors 1 and 3.
cat >"$VM_QEMU" <<'END'
#!/bin/bash
for word; do
	case "$word" in
	file:*/console) console=${word#file:} ;;
	file:*/tap) tap=${word#file:} ;;
	esac
done
here=${0%/*}
echo boot >>"$here/boots"
exec "$BASH" "$here/guest" "$(wc -l <"$here/boots")" 3>"$tap" >"$console"
END
chmod 755 "$VM_QEMU"

good='== begin one\nok 1 - first\n1..1\n== end one 0\n== end\n'

# What tools/vm makes of a guest, the script on stdin, with one boot: $out, $code, $boots.
run_vm() {
	cat >"$TEST_DIR/guest"
	: >"$TEST_DIR/boots"
	out=$("$SOURCE_DIR/tools/vm" fake first 2>&1)
	code=$?
	boots=$(wc -l <"$TEST_DIR/boots")
}

fails_with() { # WHAT REGEX BOOTS
	[ "$code" = 1 ]
	test_result $? "$1 is a failure" "ended with $code: $out"
	like "$1 is named" "$out" "$2"
	is "$1: so many boots" "$boots" "$3"
}

run_vm <<<"printf '$good' >&3"
is "a machine that does what it should is good" "$code" 0
like "its results have its kernel's name" "$out" $'ok 1 - 0.0-fake one: first\nok 2 - 0.0-fake first boot ran to its end\n1..2'

run_vm <<-'END'
	printf '== begin one\nok 1 - first\n' >&3
	echo "Kernel panic - not syncing: sysrq triggered crash"
END
fails_with "a panic" "not ok [0-9]+ - 0.0-fake one: cut off" 2
like "a panic: the console is shown" "$out" "# Kernel panic - not syncing: sysrq triggered crash"
like "a panic: its boot has not ended" "$out" "not ok [0-9]+ - 0.0-fake first boot ran to its end"

run_vm <<-END
	[ "\$1" != 1 ] || exit
	printf '$good' >&3
END
is "what goes wrong once is tried again" "$code $boots" "0 2"
like "and said" "$out" "# 0.0-fake: the VM did not reach its end, once more"

export VM_HANG=1
run_vm <<-'END'
	printf '== begin one\nok 1 - first\n' >&3
	trap 'echo "ended by a signal" >&2; exit' TERM
	read -rt 20 <> <(:)
END
fails_with "a hang" "# hung: no line for 1 s" 2
like "a hang: what hung is named" "$out" "not ok [0-9]+ - 0.0-fake one: cut off"
unset VM_HANG

run_vm <<-'END'
	printf '== begin one\nok 1 - first\nok 2 - sec' >&3
END
fails_with "half a line at the end" "one: cut off" 2

run_vm <<-'END'
	printf '== begin one\nok 1 - first\nno\n== end one 0\n== end\n' >&3
END
fails_with "half a line with others behind it" "one: 1 results of a missing plan" 1

run_vm <<-'END'
	printf '== begin one\nok 1 - first\n1..2\n== end one 0\n== end\n' >&3
END
fails_with "a result too few" "one: 1 results of 2" 1

run_vm <<-'END'
	printf '== begin one\nok 1 - first\n1..1\n== end one 99\n== end\n' >&3
END
fails_with "a test that ends badly after good results" "one: ended with 99" 1

run_vm <<-'END'
	printf '== begin one\nnot ok 1 - first\n1..1\n== end one 1\n== end\n' >&3
END
fails_with "a failure inside" "not ok 1 - 0.0-fake one: first" 1

run_vm <<-'END'
	printf '== begin one\n1..0 # SKIP no such device\n== end one 0\n== end\n' >&3
END
is "a test that is skipped inside is no failure" "$code" 0
like "and counted with its reason" "$out" "ok 1 - 0.0-fake one # SKIP no such device"

run_vm <<<"printf '== end\n' >&3"
fails_with "a machine without a test" "no test has run" 1

# --- a real kernel ---
run_real() { # TEST
	out=$(VM_QEMU='' BUILD_ROOT=$SOURCE_DIR/build VM_HANG=60 "$SOURCE_DIR/tools/vm" bookworm "$1" 2>&1)
	code=$?
}
if [ -n "${VM_LONG:-}" ]; then
	run_real tests/vm/panic
	is "a kernel that panics is a failure" "$code" 1
	like "its console is shown" "$out" "# .*Kernel panic - not syncing: sysrq triggered crash"
	like "and the test named" "$out" "not ok [0-9]+ - [^ ]+ panic: cut off"
	run_real tests/vm/hang
	is "a test that hangs in a VM is a failure" "$code" 1
	like "and named" "$out" "not ok [0-9]+ - [^ ]+ hang: cut off"
fi

# The archive of another suite cannot be reached from here.
printf 'Dir::Etc::SourceList "%s";\nDir::Etc::SourceParts "/dev/null";\n' "$TEST_DIR/sources" >"$TEST_DIR/apt.conf"
echo "deb http://127.0.0.1:9/debian bookworm main" >"$TEST_DIR/sources"
out=$(APT_CONFIG=$TEST_DIR/apt.conf "$SOURCE_DIR/tools/vm" nosuch 2>&1)
is "a kernel that cannot be downloaded is no failure" $? 0
like "it is a skip that names the reason" "$out" "^1\\.\\.0 # SKIP nosuch: (E|vm-kernel): "
is "no directory of a VM is left" "$(find "$BUILD_ROOT/vm" -name '.*')" ""

done_testing
