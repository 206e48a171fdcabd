# make demo       set up, build, run experiments/001_demo: floors, SFT, SFT then GRPO
# make test       set up, build everything, run all tests
# make build      set up and build the executable and the plugins
# make format     rewrite all C++ files with clang-format; format-check only complains
# make clean      remove the build folder; make distclean also the store of results
#
# BUILD=dir  JOBS=n  ARGS="more arguments for tsrec run"

BUILD ?= build
JOBS ?= $(shell nproc)
TSREC = $(BUILD)/bin/tsrec
CXX_FILES = git ls-files -z '*.hpp' '*.cpp'

.PHONY: setup configure build demo test format format-check readmes clean distclean
.DEFAULT_GOAL = build

setup:
	@third_party/install.sh

configure: setup
	@cmake -S . -B $(BUILD) -G Ninja $(CMAKE_ARGS)

build: configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target runtime

demo: build
	@$(TSREC) run experiments/001_demo $(ARGS)

test: configure
	@cmake --build $(BUILD) --parallel $(JOBS)
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error

format:
	@$(CXX_FILES) | xargs -0 clang-format-14 -i

format-check:
	@$(CXX_FILES) | xargs -0 clang-format-14 --dry-run -Werror

readmes: build
	@tests/update_readmes.sh $(TSREC)

clean:
	rm -rf $(BUILD)

distclean: clean
	rm -rf .tsrec
