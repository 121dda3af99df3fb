# A thin front: Meson and Ninja do the building.
#   make run    install what is missing, build, answer a question with the bundled model
#   make test   the same set-up, then every test
BUILD  ?= build
PREFIX ?= /usr/local
PROMPT ?= What is 17 + 25?
FUZZ_SECONDS ?= 30

.PHONY: all run test bench asan tsan fuzz install uninstall clean setup

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

run: all
	@echo '> $(PROMPT)'
	@$(BUILD)/src/cli/metallic --output-format text --prompt '$(PROMPT)'

test: all
	tools/run_tests $(BUILD)

bench: all
	tools/run_benches $(BUILD)

asan: setup
	@test -f build-asan/build.ninja || meson setup build-asan \
	    -Db_sanitize=address,undefined -Dbuildtype=debugoptimized -Db_ndebug=false
	ninja -C build-asan
	tools/run_tests build-asan

# What threads share: the worker team, sessions side by side, the recorder, the log.
TSAN_TESTS = base log threads cpu_stop cli_logger metrics_export metrics_memory metrics_recorder \
             metrics_spans metrics_trace

tsan: setup
	@test -f build-tsan/build.ninja || meson setup build-tsan \
	    -Db_sanitize=thread -Dbuildtype=debugoptimized -Db_ndebug=false
	ninja -C build-tsan
	tools/run_tests build-tsan $(TSAN_TESTS)

fuzz: setup
	tools/run_fuzzers $(FUZZ_SECONDS)

# A PREFIX that is given counts for a folder that was set up before, too.
install: all
ifneq ($(origin PREFIX),file)
	meson configure $(BUILD) --prefix '$(PREFIX)'
endif
	meson install -C $(BUILD)

# What the last installation of this build folder put down.
uninstall:
	ninja -C $(BUILD) uninstall

clean:
	rm -rf build build-asan build-tsan build-fuzz

setup:
	@tools/setup

$(BUILD)/build.ninja: | setup
	meson setup $(BUILD) --prefix $(PREFIX)
