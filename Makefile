# Makefile of praic.  `make` builds each program in its folder, ready to run
# there; objects go below build/.
#
#	make			the programs
#	make check		build and run all tests (scripts/check does this, too,
#				after installing what is missing)
#	make check-asan		the same, under AddressSanitizer and UBSan (CC=clang: those
#				of clang, which find other faults than gcc's)
#	make lint		shellcheck, mandoc, clang-format, clang-tidy
#	make format		clang-format on all C
#	make fuzz		fuzz each target for FUZZ_TIME seconds, then try a million
#				mutated reports
#	make soak		fuzz each target for an hour, and run the long tests
#	make bench		measure speed and compare with other programs
#				(BENCH_FLAGS=--full: with large inputs)
#	make golden		rewrite the expected outputs of the tests (TESTS=...: of
#				these tests) and show the difference
#	make install		DESTDIR and PREFIX are honoured; make uninstall removes it
#	make sbom		list the linked libraries, as SPDX
#	make dist		make an archive of the last commit (scripts/package: a .deb)
#
# Needs: a C11 compiler, GNU make, pkg-config, and the libraries below.

VERSION := $(shell cat VERSION)
PREFIX = /usr/local
PKG_CONFIG = pkg-config

CC = cc
CFLAGS = -O3 -g
CPPFLAGS =
LDFLAGS =
# CI and scripts/check set this to -Werror.
WERROR =
# Other kinds of build, such as make check-asan, set other directories for programs
# and objects.
OUT =
OBJ = build/plain

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wimplicit-fallthrough -Werror=format-security
# _FORTIFY_SOURCE=3 means 2 to older compilers and libcs.  The flags for branch
# protection are tried first, because they are errors on other processors.
BRANCHES := $(shell for f in -fcf-protection -mbranch-protection=standard; do \
	$(CC) $$f -Werror -x c -c /dev/null -o /dev/null 2>/dev/null && echo $$f && break; done)
HARDENING = -fstack-protector-strong -fstack-clash-protection -fPIE $(BRANCHES) \
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -ffile-prefix-map=$(CURDIR)=.
HARDENING_LD = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
ALL_CPPFLAGS = -D_GNU_SOURCE -DPRAIC_VERSION='"$(VERSION)"' -Icommon $(CPPFLAGS)
ALL_CFLAGS = -std=c11 $(WARNINGS) $(WERROR) $(HARDENING) $(CFLAGS)
ALL_LDFLAGS = $(HARDENING_LD) $(LDFLAGS)

# Each program is built from its folder, common/ and these libraries.  No folder
# of a program includes files of another.
FETCH_PKGS  = libcurl libssl jansson zlib libcrypto sqlite3
SPLIT_PKGS  = libxml-2.0
UNIQ_PKGS   = libcrypto sqlite3
TOSQL_PKGS  = sqlite3 libssl libcrypto
TOFS_PKGS   = libcrypto sqlite3
TOHTML_PKGS = libcrypto sqlite3
FIND_PKGS   = sqlite3
CONF_PKGS   = sqlite3
SCHED_PKGS  = sqlite3 libcrypto
RUN_PKGS    = sqlite3 libcrypto
MAIL_PKGS   = libcurl sqlite3

PROGRAMS = fetch/praic-fetch split/praic-split tosql/praic-tosql tofs/praic-tofs
PROGRAMS += uniq/praic-uniq
PROGRAMS += tojson/praic-tojson tohtml/praic-tohtml
PROGRAMS += find/praic-find
PROGRAMS += sched/praic-sched sched/run/praic-run sched/conf/praic-conf sched/mail/praic-mail
TOOLS = tests/tools/rec-events tests/tools/units
TOOLS += tests/tools/answers tests/tools/connstr
TOOLS += tests/tools/split-drive tests/tools/sandbox-proof tests/tools/measure
TOOLS += tests/tools/due
TOOLS += tests/tools/mssql-query tests/tools/faults.so tests/tools/takeover.so

COMMON_SRC := $(wildcard common/*.c)
FETCH_SRC  := $(wildcard fetch/*.c)
SPLIT_SRC  := $(wildcard split/*.c)
UNIQ_SRC   := $(wildcard uniq/*.c)
TOSQL_SRC  := $(wildcard tosql/*.c)
TOFS_SRC   := $(wildcard tofs/*.c)
TOJSON_SRC := $(wildcard tojson/*.c)
TOHTML_SRC := $(wildcard tohtml/*.c)
FIND_SRC   := $(wildcard find/*.c)
SCHED_SRC  := $(wildcard sched/*.c)
RUN_SRC    := $(wildcard sched/run/*.c)
CONF_SRC   := $(wildcard sched/conf/*.c)
MAIL_SRC   := $(wildcard sched/mail/*.c)

COMMON = $(OBJ)/libcommon.a
objects = $(patsubst %.c,$(OBJ)/%.o,$(1))
cflags = $(shell $(PKG_CONFIG) --cflags $(1))
libs = $(shell $(PKG_CONFIG) --libs $(1))

all: $(addprefix $(OUT),$(PROGRAMS))

$(OUT)fetch/praic-fetch: $(call objects,$(FETCH_SRC)) $(COMMON)
	$(link) $(call libs,$(FETCH_PKGS))
$(OUT)split/praic-split: $(call objects,$(SPLIT_SRC)) $(COMMON)
	$(link) $(call libs,$(SPLIT_PKGS))
$(OUT)uniq/praic-uniq: $(call objects,$(UNIQ_SRC)) $(COMMON)
	$(link) $(call libs,$(UNIQ_PKGS))
$(OUT)tosql/praic-tosql: $(call objects,$(TOSQL_SRC)) $(COMMON)
	$(link) $(call libs,$(TOSQL_PKGS)) -lsybdb
$(OUT)tofs/praic-tofs: $(call objects,$(TOFS_SRC)) $(COMMON)
	$(link) $(call libs,$(TOFS_PKGS))
$(OUT)tojson/praic-tojson: $(call objects,$(TOJSON_SRC)) $(COMMON)
	$(link)
$(OUT)tohtml/praic-tohtml: $(call objects,$(TOHTML_SRC)) $(OBJ)/tohtml/style.o \
    $(OBJ)/tohtml/script.o $(COMMON)
	$(link) $(call libs,$(TOHTML_PKGS))
$(OUT)find/praic-find: $(call objects,$(FIND_SRC)) $(COMMON)
	$(link) $(call libs,$(FIND_PKGS))
$(OUT)tests/tools/answers: $(call objects,tests/tools/answers.c fetch/answer.c) $(COMMON)
	$(link) $(call libs,jansson zlib)
$(OUT)sched/run/praic-run: $(call objects,$(RUN_SRC)) $(COMMON)
	$(link) $(call libs,$(RUN_PKGS))
$(OUT)sched/conf/praic-conf: $(call objects,$(CONF_SRC)) $(COMMON)
	$(link) $(call libs,$(CONF_PKGS))
$(OUT)sched/praic-sched: $(call objects,$(SCHED_SRC)) $(COMMON)
	$(link) $(call libs,$(SCHED_PKGS))
$(OUT)sched/mail/praic-mail: $(call objects,$(MAIL_SRC)) $(COMMON)
	$(link) $(call libs,$(MAIL_PKGS))
$(OUT)tests/tools/mssql-query: $(call objects,tests/tools/mssql-query.c tosql/connstr.c) $(COMMON)
	$(link) -lsybdb
$(OUT)tests/tools/connstr: $(call objects,tests/tools/connstr.c tosql/connstr.c) $(COMMON)
	$(link)
$(OUT)tests/tools/%: $(OBJ)/tests/tools/%.o $(COMMON)
	$(link)
# Keep these objects, which only a pattern rule makes.
.SECONDARY: $(call objects,$(wildcard tests/tools/*.c))
# Preloaded into the programs, so built without their hardening flags.
$(OUT)tests/tools/%.so: tests/tools/%.c
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) -std=c11 $(WARNINGS) $(WERROR) -Wno-missing-prototypes -D_GNU_SOURCE -O1 \
	    -shared -fPIC -o $@ $< -ldl

# praic-split as a function in one process, for tests that run it a million times.
FUZZ_split = $(filter-out split/main.c split/sandbox.c,$(SPLIT_SRC)) tests/fuzz/harness.c
$(OUT)tests/tools/split-drive: $(call objects,tests/fuzz/drive.c tests/fuzz/seed.c $(FUZZ_split)) \
    $(COMMON)
	$(link) -Wl,--wrap=read $(call libs,$(SPLIT_PKGS))

# Fuzz targets: tests/fuzz/NAME.c and the files under test.  fuzz-NAME is built with
# clang -fsanitize=fuzzer; run-NAME has its own driver and is part of every build.
FUZZERS = split records connstr times settings fetch-answer fetch-token tofs-name
TOOLS += $(addprefix tests/fuzz/run-,$(FUZZERS))
FUZZ_connstr = tosql/connstr.c
FUZZ_fetch-answer = fetch/answer.c
FUZZ_fetch-token = $(filter-out fetch/main.c fetch/credentials.c,$(FETCH_SRC))
FUZZ_tofs-name = $(addprefix tofs/,format.c name.c ledger.c tree.c)
fuzzer = $(call objects,tests/fuzz/$(1).c tests/fuzz/forget.c $(FUZZ_$(1))) $(COMMON)
FUZZ_LIBS = -Wl,--wrap=msg_hide $(call libs,$(FETCH_PKGS))
$(OUT)tests/fuzz/run-split $(OUT)tests/fuzz/fuzz-split: \
    FUZZ_LIBS += -Wl,--wrap=read $(call libs,$(SPLIT_PKGS))
define fuzz_rules
$(OUT)tests/fuzz/run-$(1): $(call objects,tests/fuzz/run.c) $(call fuzzer,$(1))
	$$(link) $$(FUZZ_LIBS)
$(OUT)tests/fuzz/fuzz-$(1): $(call fuzzer,$(1))
	$$(link) -fsanitize=fuzzer $$(FUZZ_LIBS)
endef
$(OUT)tests/tools/sandbox-proof: $(call objects,tests/tools/sandbox-proof.c split/sandbox.c) \
    $(COMMON)
	$(link) $(call libs,$(SPLIT_PKGS))

link = @mkdir -p $(@D)
link += && echo "  LINK  $@" && $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^
$(foreach f,$(FUZZERS),$(eval $(call fuzz_rules,$(f))))

$(COMMON): $(call objects,$(COMMON_SRC)) $(OBJ)/common/settings_tables.o
	@rm -f $@
	@ar rcsD $@ $^

$(OBJ)/common/settings%.o: ALL_CPPFLAGS += $(call cflags,sqlite3)
$(OBJ)/common/sha256.o: ALL_CPPFLAGS += $(call cflags,libcrypto)
$(OBJ)/fetch/%.o: ALL_CPPFLAGS += $(call cflags,$(FETCH_PKGS))
$(OBJ)/split/%.o: ALL_CPPFLAGS += $(call cflags,$(SPLIT_PKGS))
$(OBJ)/tests/fuzz/%.o: ALL_CPPFLAGS += -Isplit -Ifetch -Itofs -Itosql \
	$(call cflags,$(SPLIT_PKGS) $(FETCH_PKGS))
$(OBJ)/tests/tools/sandbox-proof.o: ALL_CPPFLAGS += -Isplit
$(addprefix $(OBJ)/tests/tools/,connstr.o mssql-query.o): ALL_CPPFLAGS += -Itosql
$(OBJ)/uniq/%.o: ALL_CPPFLAGS += $(call cflags,$(UNIQ_PKGS))
$(OBJ)/tosql/%.o: ALL_CPPFLAGS += $(call cflags,$(TOSQL_PKGS))
$(OBJ)/tofs/%.o: ALL_CPPFLAGS += $(call cflags,$(TOFS_PKGS))
$(OBJ)/tohtml/%.o: ALL_CPPFLAGS += $(call cflags,$(TOHTML_PKGS))
$(OBJ)/find/%.o: ALL_CPPFLAGS += $(call cflags,$(FIND_PKGS))
$(OBJ)/sched/%.o: ALL_CPPFLAGS += $(call cflags,$(SCHED_PKGS))
$(OBJ)/sched/conf/%.o: ALL_CPPFLAGS += $(call cflags,$(CONF_PKGS))
$(OBJ)/sched/mail/%.o: ALL_CPPFLAGS += $(call cflags,$(MAIL_PKGS))

# A change of compiler or flags rebuilds everything; -Werror does not count, because
# it does not change the objects.
FLAGS_NOW = $(CC) $(ALL_CPPFLAGS) $(filter-out -Werror,$(ALL_CFLAGS)) $(ALL_LDFLAGS)
$(OBJ)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || echo '$(subst ','\'',$(FLAGS_NOW))' >$@

$(OBJ)/%.o: %.c $(OBJ)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The style and script of praic-tohtml's pages, and the tables of the settings
# database, are compiled in as C arrays.
as_array = @mkdir -p $(@D); { echo 'extern const char $(1)[]; const char $(1)[] = {'; \
	od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g'; echo '0};'; } >$@
.PRECIOUS: $(OBJ)/tohtml/style.c $(OBJ)/tohtml/script.c $(OBJ)/common/settings_tables.c
$(OBJ)/%.c: %.css
	$(call as_array,tohtml_$(*F))
$(OBJ)/%.c: %.js
	$(call as_array,tohtml_$(*F))
$(OBJ)/common/settings_tables.c: common/settings.sql
	$(call as_array,settings_tables)
$(OBJ)/tohtml/style.o $(OBJ)/tohtml/script.o $(OBJ)/common/settings_tables.o: $(OBJ)/%.o: $(OBJ)/%.c $(OBJ)/flags
	@$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

tools: $(addprefix $(OUT),$(TOOLS))

check: all tools
	scripts/run-tests $(TESTS)

ASAN = OUT=build/asan/ OBJ=build/asan/obj \
	CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all' \
	HARDENING=-fPIE HARDENING_LD=-pie
all-asan:
	$(MAKE) $(ASAN) all tools
check-asan:
	$(MAKE) $(ASAN) all tools
	PRAIC_OUT=build/asan/ scripts/run-tests $(TESTS)

# Fuzz the parsers of untrusted input: first with libFuzzer, which is guided by
# coverage, then with a million mutations of valid reports.  Inputs that fail are
# left in build/fuzz.
FUZZ_TIME = 60
FUZZ_MUTANTS = 1000000
SEEDS = tests/fuzz/corpus/*.xml tests/data/split/*.xml
FUZZ = OUT=build/fuzz/ OBJ=build/fuzz/obj CC=clang HARDENING=-fPIE HARDENING_LD=-pie \
	CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link \
	-fno-sanitize-recover=all'
fuzz:
	$(MAKE) $(FUZZ) $(addprefix build/fuzz/tests/fuzz/fuzz-,$(FUZZERS))
	$(MAKE) $(ASAN) tools
	tests/fuzz/all $(FUZZ_TIME) $(FUZZERS)
	ASAN_OPTIONS=detect_leaks=0 build/asan/tests/tools/split-drive mutate -n $(FUZZ_MUTANTS) \
	    -s $$(date +%s) -d build/fuzz $(SEEDS)

# Run this before a release.  Some tests look for memory errors alone.
MEMORY = $(wildcard tests/0200*.t tests/1015*.t tests/2040*.t)
soak: all tools
	PRAIC_LONG=1 scripts/run-tests $(filter-out $(MEMORY),$(wildcard tests/*.t))
	PRAIC_LONG=1 $(MAKE) check-asan TESTS='$(MEMORY)'
	$(MAKE) fuzz FUZZ_TIME=3600

bench: all tools
	tests/bench/run $(BENCH_FLAGS)

golden: all tools
	PRAIC_GOLDEN=1 scripts/run-tests $(TESTS)
	git diff --stat -- tests/data

lint: all
	scripts/lint

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build $(PROGRAMS) $(TOOLS)

# Directories of the installation.  All programs go to bin, also those of section 8:
# praic-sched looks for the others in its own directory.
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/praic
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
FISHDIR = $(PREFIX)/share/fish/vendor_completions.d
UNITDIR = $(PREFIX)/lib/systemd/system
SYSUSERSDIR = $(PREFIX)/lib/sysusers.d
TMPFILESDIR = $(PREFIX)/lib/tmpfiles.d
INSTALL_PROGRAMS = $(PROGRAMS) $(wildcard scripts/praic-test scripts/praic-audit)
NAMES = $(notdir $(INSTALL_PROGRAMS))
PAGES = $(wildcard */praic*.[1578] */*/praic*.[1578])
UNITS = $(wildcard scripts/systemd/*.service scripts/systemd/*.timer)

# The installed files: directory, name, source and mode.  install and uninstall read
# the same list.
define files
$(foreach f,$(INSTALL_PROGRAMS),$(BINDIR) $(notdir $f) $f 755;)\
$(foreach f,$(PAGES),$(MANDIR)/man$(subst .,,$(suffix $f)) $(notdir $f) $f 644;)\
$(foreach f,$(NAMES),$(BASHDIR) $f completions/praic.bash 644;)\
$(ZSHDIR) _praic completions/_praic 644;\
$(foreach f,$(NAMES),$(FISHDIR) $f.fish completions/praic.fish 644;)\
$(foreach f,$(UNITS),$(UNITDIR) $(notdir $f) $f 644;)\
$(SYSUSERSDIR) praic.conf scripts/systemd/praic.sysusers 644;\
$(TMPFILESDIR) praic.conf scripts/systemd/praic.tmpfiles 644;\
$(foreach f,README NEWS LICENSE build/praic.spdx.json $(wildcard docs/*.md),$(DOCDIR) $(notdir $f) $f 644;)
endef
each_file = echo '$(files)' | tr ';' '\n' | while read -r dir name file mode; do \
	[ -n "$$dir" ] || continue

install: all sbom
	@$(each_file); \
		install -d "$(DESTDIR)$$dir" && \
		install -m "$$mode" "$$file" "$(DESTDIR)$$dir/$$name" || exit 1; \
		case $$name in *.service) \
			sed 's,/usr/local/bin/,$(BINDIR)/,' "$$file" >"$(DESTDIR)$$dir/$$name" || exit 1 ;; \
		esac; done

uninstall:
	@$(each_file); rm -f "$(DESTDIR)$$dir/$$name"; done
	@rmdir "$(DESTDIR)$(DOCDIR)" 2>/dev/null || :

# The output is reproducible.  It is written to another file and renamed, because an
# older one may belong to root (make install).
sbom: all
	@mkdir -p build
	scripts/sbom $(addprefix $(OUT),$(PROGRAMS)) >build/praic.spdx.$$$$ && \
		mv -f build/praic.spdx.$$$$ build/praic.spdx.json

# An archive of the last commit; reproducible.
dist:
	scripts/release-check
	@mkdir -p build
	git -c tar.umask=0022 archive --format=tar --prefix=praic-$(VERSION)/ HEAD | \
		gzip -9n >build/praic-$(VERSION).tar.gz
	@echo build/praic-$(VERSION).tar.gz

FORCE:
.PHONY: all tools check check-asan all-asan fuzz bench golden lint format clean FORCE
.PHONY: install uninstall sbom dist soak
.DELETE_ON_ERROR:
