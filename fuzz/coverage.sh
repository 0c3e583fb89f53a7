#!/bin/sh
# Cargo calls this as RUSTC_WORKSPACE_WRAPPER for the crates of this workspace: it compiles counters and comparisons into them,
# for libFuzzer to see, with the stable compiler. What others wrote is shared with the ordinary debug build.
case " $* " in
  *" --crate-name build_script_build "*) exec "$@" ;; # Build scripts have no libFuzzer to link with.
  *" --crate-name "*) ;;
  *) exec "$@" ;;
esac
exec "$@" -Cpasses=sancov-module \
  -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares
