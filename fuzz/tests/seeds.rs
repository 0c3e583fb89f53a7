//! The committed inputs, through their targets, without libFuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn seeds() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

#[test]
fn every_committed_input_keeps_the_promises_of_its_target() {
    for (name, target) in fuzz::TARGETS {
        let folder = seeds().join(name);
        let mut inputs = 0;
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            // Shown only when the target panics.
            println!("{}", path.display());
            target(&fs::read(path).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{name} has no seeds");
    }
}

#[test]
fn every_folder_of_seeds_has_its_target() {
    let folders: BTreeSet<String> = fs::read_dir(seeds())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect());
}
