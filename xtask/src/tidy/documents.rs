//! Documents that must know the whole house.

use std::path::Path;

use super::layers::{manifests, parse_manifest};
use crate::tools::read;

/// The documents that name every crate.
const COMPLETE: [&str; 1] = ["ARCHITECTURE.md"];

/// Complains about crates that a document which should name all of them leaves out.
pub fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for manifest in manifests(root)? {
        names.push(parse_manifest(&read(&manifest)?).0);
    }
    let mut complaints = Vec::new();
    for document in COMPLETE {
        match read(&root.join(document)) {
            Ok(text) => complaints.extend(missing(document, &text, &names)),
            Err(error) => complaints.push(error),
        }
    }
    Ok(complaints)
}

fn missing(document: &str, text: &str, names: &[String]) -> Vec<String> {
    let named = |name: &str| {
        text.contains(&format!("`{name}`"))
            || text.contains(&format!("crates/{name}"))
            || text.contains(&format!("`{name}/`"))
    };
    names
        .iter()
        .filter(|name| !named(name))
        .map(|name| format!("{document}: does not name `{name}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn a_crate_is_named_as_code_or_by_its_folder() {
        let names = ["aws", "wire", "store"].map(str::to_owned);
        assert_eq!(
            missing("A.md", "`aws` and crates/wire; the store", &names),
            ["A.md: does not name `store`"]
        );
    }
}
