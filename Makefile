# SPDX-License-Identifier: Apache-2.0
# podnet: one Makefile, out-of-tree build.  `make help` lists what it can do.

BUILD_ROOT ?= build
SANITIZE ?=#			1: AddressSanitizer and UBSan (static programs stay plain); fuzz: libFuzzer too
BUILD ?= $(BUILD_ROOT)/$(if $(SANITIZE),asan,plain)
PREFIX ?= /usr/local
DESTDIR ?=
CC = gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
V ?=#				1: show the commands
M ?=#				words of names: only these mutants
T ?=#				unit|bpf|netns|e2e|vm|NAME: only these tests
D ?=#				kubectl|cluster: this demo instead of the main one
B ?=#				REGEX: only benchmarks whose names match
GATE ?=#			1: a benchmark that misses its target is a failure
PLOT ?=#			1: benchmarks are drawn, too

CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Werror
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
	$(if $(filter fuzz,$(SANITIZE)),$(FUZZER))
FUZZER = -fsanitize=fuzzer-no-link -Wno-unused-variable# clang does not count cleanup as a use
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DPODNET_VERSION='"$(VERSION)"' $(WARNINGS) $(CFLAGS) \
	-ffunction-sections -fdata-sections -I. -Iinclude -I$(BUILD)
BPF_CFLAGS = -target bpf -mcpu=v3 -O2 -g $(WARNINGS) -I. -Iinclude -I/usr/include/$(shell uname -m)-linux-gnu
STATIC_CFLAGS = -O2 -g
LDFLAGS += -Wl,--gc-sections

# A layer is a folder and an archive.  The order is that of the linker: users before what they use.
LAYERS = cli agent cluster image node shim probe api auth control client http pki model store datapath net base
LIBS_agent =
LIBS_datapath = -lbpf -lelf -lz
LIBS = -lsystemd -lbpf -lmnl -lnftnl -ljansson -lyaml -lhttp_parser -lwslay -lgnutls -larchive -lnettle -lsqlite3 -lseccomp -lz -lpthread -lm

PROGRAMS = podnetd podnetctl podnet-pull podnet-control podnet
STATIC_PROGRAMS = podnet-shim podnet-pause
ALL_PROGRAMS = $(PROGRAMS) $(STATIC_PROGRAMS)

Q = $(if $(V),,@)
msg = $(if $(V),,@printf '  %-8s%s\n' $(1) $(2))

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all help programs tests test-tools bpf-tests test fuzzers fuzz-build mutants lint demo clean install
.PHONY: uninstall deb bench bench-tools plain-tools soak

all: programs tests
programs: $(ALL_PROGRAMS:%=$(BUILD)/%)

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile

# --- objects -----------------------------------------------------------------
BPF_OBJECTS = $(patsubst %.bpf.c,$(BUILD)/%.skel.h,$(wildcard bpf/*.bpf.c tests/bench/*.bpf.c))

$(BUILD)/%.o: %.c
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(SANITIZE),$(SANITIZERS)) -MMD -MP -c $< -o $@

$(patsubst %.c,$(BUILD)/%.o,$(wildcard user/datapath/*.c tests/bpf/*.c) tests/bench/packets.c): | $(BPF_OBJECTS)

$(BUILD)/static/%.o: %.c
	$(call msg,CC,'$< (static)')
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/%.bpf.o: %.bpf.c
	$(call msg,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call msg,SKEL,$<)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$(notdir $*))_bpf > $@

# --- layers and programs -----------------------------------------------------
define layer
$(BUILD)/$(1).a: $(patsubst %.c,$(BUILD)/%.o,$(wildcard user/$(1)/*.c))
$(BUILD)/static/$(1).a: $(patsubst %.c,$(BUILD)/static/%.o,$(wildcard user/$(1)/*.c))
endef
$(foreach l,$(LAYERS),$(eval $(call layer,$(l))))
$(BUILD)/cni.a: $(patsubst %.c,$(BUILD)/%.o,$(filter-out cni/podnet-cni.c,$(wildcard cni/*.c)))

$(BUILD)/%.a:
	$(call msg,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

ARCHIVES = $(LAYERS:%=$(BUILD)/%.a)

# Which of two functions of one name a program gets would depend on what else it uses.
$(BUILD)/symbols: $(BUILD)/cni.a $(ARCHIVES)
	$(Q)nm -A --defined-only --extern-only $^ | awk 'NF { print $$NF }' | sort | uniq -d > $@
	$(Q)! sed 's/$$/: defined twice/' $@ | grep .
link = $(Q)$(CC) $(if $(SANITIZE),$(SANITIZERS)) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(BUILD)/podnet: $(BUILD)/cni/podnet-cni.o $(BUILD)/cni.a $(BUILD)/datapath.a $(BUILD)/net.a $(BUILD)/base.a
	$(call msg,LINK,$@)
	$(link) -Wl,--as-needed $(LIBS)

$(BUILD)/podnetd $(BUILD)/podnetctl $(BUILD)/podnet-pull $(BUILD)/podnet-control: $(BUILD)/%: $(BUILD)/user/%.o $(ARCHIVES)
	$(call msg,LINK,$@)
	$(link) -Wl,--as-needed $(LIBS)

$(BUILD)/podnet-shim: $(BUILD)/static/user/podnet-shim.o $(BUILD)/static/shim.a $(BUILD)/static/base.a
	$(call msg,LINK,'$@ (static)')
	$(Q)$(CC) -static $(LDFLAGS) -o $@ $^ -lseccomp -ljansson -lz

$(BUILD)/podnet-pause: $(BUILD)/static/user/podnet-pause.o
	$(call msg,LINK,'$@ (static)')
	$(Q)$(CC) -static $(LDFLAGS) -o $@ $^

# --- tests -------------------------------------------------------------------
C_TESTS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*_test.c tests/bpf/*_test.c))
TEST_TOOLS = $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%,$(wildcard tests/tools/*.c))
BENCH_TOOLS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
test-tools: $(TEST_TOOLS)
bench-tools: $(BENCH_TOOLS)
# What the tests of a build with sanitizers need as it will be installed.
plain-tools: $(addprefix $(BUILD)/,podnet podnetctl podnet-control tests/tools/faults tests/tools/dataplane \
	tests/preload/clockjump.so)
tests: $(C_TESTS) test-tools $(BUILD)/symbols
bpf-tests: $(filter $(BUILD)/tests/bpf/%,$(C_TESTS))

# A real etcd is one of the backends.
$(BUILD)/tests/unit/store_test $(BUILD)/tests/unit/etcd_test: $(BUILD)/tests/etcd.o
$(BUILD)/tests/unit/etcd_test: $(BUILD)/tests/relay.o

$(C_TESTS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/tests/check.o $(BUILD)/cni.a $(ARCHIVES)
	$(call msg,LINK,$@)
	$(link) -Wl,--as-needed $(LIBS)

$(TEST_TOOLS) $(BENCH_TOOLS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(ARCHIVES)
	$(call msg,LINK,$@)
	$(link) -Wl,--as-needed $(LIBS)

$(BUILD)/tests/bench/probes: LIBS += -lcurl# a peer
$(BUILD)/tests/preload/%.so: tests/preload/%.c
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -shared -fPIC -o $@ $<

$(BUILD)/tests/tools/faults: LIBS += -lseccomp# names of system calls

# Each links the parser it feeds, built by clang for libFuzzer.
FUZZERS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZED = image node shim probe http pki model net base
fuzzers: $(FUZZERS)

$(FUZZERS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/tests/fuzz/fuzz.o $(BUILD)/cni.a $(FUZZED:%=$(BUILD)/%.a)
	$(call msg,LINK,$@)
	$(link) -fsanitize=fuzzer -Wl,--as-needed $(LIBS)

fuzz-build: ## the programs of tests/fuzz, below build/fuzz
	$(Q)$(MAKE) --no-print-directory CC=$(CLANG) SANITIZE=fuzz BUILD=$(BUILD_ROOT)/fuzz fuzzers

test: ## all tests, or those T names
	$(Q)tools/run-tests $(T)

soak: ## chaos and fuzzing for hours; CHAOS_ROUNDS, CHAOS_PODS, SEED, FUZZ_SECONDS
	$(Q)tools/run-soak

bench: ## ours and its peers, in one run; B='a|b': only those, GATE=1: targets must be met, PLOT=1: build/bench.svg
	$(Q)B='$(B)' GATE='$(GATE)' PLOT='$(PLOT)' tools/run-bench

mutants: ## each patch of tests/mutants turns the test red that it names; M: only those
	$(Q)tools/run-mutants $(M)

lint: ## format, shell, C, layers, SPDX, sizes
	$(Q)tools/lint

demo: ## the main job, on this host; stdout holds its steps only
	$(Q)tools/run-demo$(D:%=-%)

INSTALLED = $(SBIN_PROGRAMS:%=$(PREFIX)/sbin/%) $(PREFIX)/bin/podnetctl /opt/cni/bin/podnet \
	$(foreach p,$(wildcard man/*),$(PREFIX)/share/man/man$(subst .,,$(suffix $(p)))/$(notdir $(p))) \
	$(UNITS:%=$(PREFIX)/lib/systemd/system/%)
SBIN_PROGRAMS = $(filter-out podnetctl podnet,$(ALL_PROGRAMS))
UNITS = podnetd.service podnet-control.service podnet.target

install: programs ## below DESTDIR: programs, man pages and units in PREFIX, the plugin in /opt/cni/bin
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(SBIN_PROGRAMS:%=$(BUILD)/%)
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/podnetctl
	install -D -m 755 -t $(DESTDIR)/opt/cni/bin $(BUILD)/podnet
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(wildcard man/*.1)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man7 $(wildcard man/*.7)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 $(wildcard man/*.8)
	install -d -m 755 $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)/etc/podnet/manifests
	for unit in $(UNITS); do sed 's,@SBINDIR@,$(PREFIX)/sbin,' packaging/$$unit \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit || exit; done

uninstall: ## what install has installed; state, manifests and running Pods stay
	rm -f $(INSTALLED:%=$(DESTDIR)%)

deb: programs ## a Debian package in BUILD_ROOT
	$(Q)BUILD=$(BUILD) BUILD_ROOT=$(BUILD_ROOT) VERSION=$(VERSION) tools/make-deb

clean: ## remove what was built
	rm -rf $(BUILD_ROOT)

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
