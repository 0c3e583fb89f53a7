//! The marked places of SPECIFICATION.md: `<!-- bench:NAME -->` up to `<!-- /bench:NAME -->`.

use anyhow::Context as _;

/// The document with the place `name` holding `text`.
///
/// # Errors
/// When the document has no such place.
pub fn replaced(document: &str, name: &str, text: &str) -> anyhow::Result<String> {
    let (open, close) = (format!("<!-- bench:{name} -->\n"), format!("<!-- /bench:{name} -->"));
    let missing = || format!("SPECIFICATION.md has no place bench:{name}");
    let (before, rest) = document.split_once(&open).with_context(missing)?;
    let (_, after) = rest.split_once(&close).with_context(missing)?;
    Ok(format!("{before}{open}{}\n{close}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marked_place_changes() {
        let document =
            "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y -->\n<!-- /bench:y -->\n";
        let once = replaced(document, "x", "new\n").unwrap();
        assert_eq!(
            once,
            "a\n<!-- bench:x -->\nnew\n<!-- /bench:x -->\nb\n<!-- bench:y -->\n<!-- /bench:y -->\n"
        );
        assert_eq!(replaced(&once, "x", "new").unwrap(), once);
        assert!(replaced(&once, "y", "t").unwrap().contains("<!-- bench:y -->\nt\n<!-- /bench:y -->"));
        assert!(replaced(&once, "z", "t").is_err());
    }
}
