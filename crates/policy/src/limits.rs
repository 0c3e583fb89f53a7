//! What a document may cost us before we refuse it.

/// IAM's longest `PolicyDocument` parameter, in characters.
pub(crate) const DOCUMENT_CHARS: usize = 131_072;

/// The deepest nesting; the grammar needs six levels.
pub(crate) const DEPTH: usize = 10;
