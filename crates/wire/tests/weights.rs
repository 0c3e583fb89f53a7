//! What the embedded models cost: bytes in the binary, time and memory of the first use of each. Alone in its binary, so that
//! nobody has parsed a model before.
//!
//!     cargo test -p wire --test weights -- --nocapture

use wire::Model;

/// The memory of this process in KiB.
fn resident_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("there is a /proc");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn all_models_together_weigh_less_than_a_third_of_a_mebibyte() {
    println!("{:28} {:>10} {:>8} {:>8} {:>8}", "model", "compressed", "text", "ms", "KiB");
    let clock = tasks::Clock::real();
    let (mut compressed, mut text, mut kib) = (0, 0, 0);
    let begun = clock.tick();
    for weight in Model::weights() {
        let before = resident_kib();
        let start = clock.tick();
        let model = Model::named(weight.name).expect("an entry has a model");
        let took = clock.tick().since(start);
        let grown = resident_kib().saturating_sub(before);
        println!(
            "{:28} {:>10} {:>8} {:>8.2} {grown:>8}",
            model.name(),
            weight.compressed_bytes,
            weight.inflated_bytes,
            took.as_secs_f64() * 1e3
        );
        compressed += weight.compressed_bytes;
        text += weight.inflated_bytes;
        kib += grown;
    }
    let took = clock.tick().since(begun);
    println!("{:28} {compressed:>10} {text:>8} {:>8.2} {kib:>8}", "all", took.as_secs_f64() * 1e3);
    assert!(compressed < (1 << 20) / 3, "the binary holds {compressed} bytes of models");
}
