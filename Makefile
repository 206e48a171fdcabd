# make demo       set up, build, run experiments/001_demo: floors, SFT, SFT then GRPO
# make comparison the same with experiments/008_starts: both from two starts over three seeds, and their page
# make test       set up, build everything, run all tests
# make build      set up and build the executable and the plugins
# make install    the same, then a prefix that may be moved and that plugins of others build against: PREFIX=dir
# make sanitize   a build with AddressSanitizer and UBSan; loads, uses and leaves every plugin
# make tidy       clang-tidy on the lines that differ from origin/main, or from BASE=commit
# make format     rewrite all C++ files with clang-format; format-check only complains
# make clean      remove the build folder; make distclean also the store of results
#
# BUILD=dir  JOBS=n  ARGS="more arguments for tsrec run or compare"

BUILD ?= build
JOBS ?= $(shell nproc)
PREFIX ?= $(HOME)/.local
TSREC = $(BUILD)/bin/tsrec
CXX_FILES = git ls-files -z '*.hpp' '*.cpp'

.PHONY: setup configure build install demo comparison test sanitize tidy format format-check readmes clean distclean
.DEFAULT_GOAL = build

setup:
	@third_party/install.sh

configure: setup
	@cmake -S . -B $(BUILD) -G Ninja $(CMAKE_ARGS)

build: configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target runtime

install: build
	@cmake --install $(BUILD) --prefix $(PREFIX)

demo: build
	@$(TSREC) run experiments/001_demo $(ARGS)

comparison: build
	@$(TSREC) compare experiments/008_starts $(ARGS)

test: configure
	@cmake --build $(BUILD) --parallel $(JOBS)
	@ctest --test-dir $(BUILD) --parallel $(JOBS) --output-on-failure --no-tests=error

sanitize: setup
	@cmake --preset asan -DTSREC_UNITY=ON $(CMAKE_ARGS)
	@cmake --build build-asan --parallel $(JOBS) --target runtime
	@tests/cli/sanitized.sh build-asan/bin/tsrec build-asan/lib/tsrec/plugins experiments/000_smoke

tidy: setup
	@.ci/tidy $(BASE)

format:
	@$(CXX_FILES) | xargs -0 clang-format-14 -i

format-check:
	@$(CXX_FILES) | xargs -0 clang-format-14 --dry-run -Werror

readmes: build
	@tests/update_readmes.sh $(TSREC)

clean:
	rm -rf $(BUILD) build-tidy

distclean: clean
	rm -rf .tsrec
