//! The page that says which operations of each model are covered.

use std::fmt::Write as _;

use wire::Model;

/// Where lines of names are broken.
const LINE: usize = 120;

/// The text of `docs/coverage.md`; `listed` gives a service's operations in `operations.toml`.
pub fn page<'a>(listed: &dyn Fn(&str) -> &'a [String]) -> String {
    let mut text = String::from(
        "# Coverage\n\nWritten by `cargo x api` from `models/`. An operation that is not covered is recognised, its caller is \
         authenticated, its input\nvalidated against the model, and the answer is `NotImplemented` (501) in the words of its \
         protocol.\n\n| Service | Model | Protocols | Operations | Covered |\n|---|---|---|--:|--:|\n",
    );
    for model in Model::all() {
        let protocols: Vec<&str> = model.protocols().iter().map(|protocol| protocol.name()).collect();
        let (all, covered) = (model.operations().len(), listed(model.name()).len());
        let (id, name) = (model.service_id(), model.name());
        writeln!(text, "| {id} | [`{name}`](#{name}) | {} | {all} | {covered} |", protocols.join(", "))
            .expect("write to memory");
    }
    for model in Model::all() {
        let listed = listed(model.name());
        let is_covered = |name: &&str| listed.iter().any(|covered| covered == name);
        let names = || model.operations().iter().map(|operation| operation.name.as_str());
        writeln!(text, "\n## {}\n", model.name()).expect("write to memory");
        if !listed.is_empty() {
            writeln!(text, "{}\n", wrapped(names().filter(is_covered))).expect("write to memory");
        }
        let others = wrapped(names().filter(|name| !is_covered(name)));
        let count = model.operations().len() - listed.len();
        writeln!(text, "<details><summary>{count} not covered</summary>\n\n{others}\n\n</details>")
            .expect("write to memory");
    }
    text
}

/// The names with commas between them, in lines.
fn wrapped<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut column = 0;
    for name in names {
        if column > 0 {
            text.push(',');
            let fits = column + name.len() + 3 <= LINE;
            text.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 2 } else { 0 };
        }
        text.push_str(name);
        column += name.len();
    }
    text
}
