//! Every scenario in `scenarios/`, each in an instance of its own.

use std::path::{Path, PathBuf};

use it::Scenario;

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(folder)
        .expect("the folder of scenarios")
        .map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

#[test]
fn every_scenario_ends_as_it_says() {
    let mut failed = Vec::new();
    let files = scenarios();
    assert!(!files.is_empty());
    for file in files {
        let scenario = Scenario::read(&file).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match runtime.block_on(it::run(&scenario)) {
            Ok(()) => println!("{} ok", scenario.name()),
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    assert!(failed.is_empty(), "{} scenarios failed:\n\n{}", failed.len(), failed.join("\n\n"));
}

/// `docs/coverage.md` shows what `models/operations.toml` lists; the tables must hold exactly that.
#[test]
fn the_coverage_page_marks_exactly_the_operations_that_have_a_row() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/coverage.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut marked = Vec::new();
    for part in page.split("\n## ").skip(1) {
        let (service, rest) = part.split_once('\n').expect("a service has operations");
        let covered = rest.split("<details>").next().expect("a split has a first part");
        let names = covered.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
        marked.extend(names.map(|operation| format!("{service} {operation}")));
    }
    marked.sort();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows = runtime.block_on(async { it::House::new().await.unwrap().operations() });
    assert!(!rows.is_empty());
    assert_eq!(rows, marked);
}
