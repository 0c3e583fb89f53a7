//! Hands libFuzzer's inputs to the target that `FUZZ_TARGET` names.
#![no_main]
#![allow(unsafe_code)] // The macro exports a C function.
#![allow(clippy::disallowed_methods)] // libFuzzer owns the arguments, so the name comes by the environment.

use std::sync::LazyLock;

static TARGET: LazyLock<fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let known: Vec<&str> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    fuzz::target(&name).unwrap_or_else(|| panic!("FUZZ_TARGET={name}: known are {}", known.join(", ")))
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET(input));
