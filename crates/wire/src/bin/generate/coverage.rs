//! The page that says which operations of each model are covered.

use std::fmt::Write as _;

use wire::Model;

/// The text of `docs/coverage.md`; `listed` gives a service's operations in `operations.toml`.
pub fn page<'a>(listed: &dyn Fn(&str) -> &'a [String]) -> String {
    let mut text = String::from(
        "# Coverage\n\nWritten by `cargo x api` from `models/`. An operation without a mark is recognised, validated against its model and\n\
         answered with `NotImplemented`.\n\n| Service | Protocols | Operations | Covered |\n|---|---|--:|--:|\n",
    );
    for model in Model::all() {
        let protocols: Vec<&str> = model.protocols().iter().map(|protocol| protocol.name()).collect();
        let (all, covered) = (model.operations().len(), listed(model.name()).len());
        writeln!(text, "| {} | {} | {all} | {covered} |", model.service_id(), protocols.join(", "))
            .expect("write to memory");
    }
    for model in Model::all() {
        let listed = listed(model.name());
        writeln!(text, "\n## {} (`{}`)\n", model.service_id(), model.name()).expect("write to memory");
        for operation in model.operations() {
            let mark = if listed.contains(&operation.name) { "x" } else { " " };
            writeln!(text, "- [{mark}] {}", operation.name).expect("write to memory");
        }
    }
    text
}
