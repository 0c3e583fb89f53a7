//! Filter patterns (a line, then the message) and records of the journal, which begin with their format byte.

pub(crate) fn run(input: &[u8]) {
    if input.first() == Some(&1) {
        assert!(logs::fuzzing::record(input).is_none_or(|bytes| bytes <= input.len()));
        return;
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (pattern, message) = text.split_once('\n').unwrap_or((text, text));
    logs::fuzzing::matches(pattern, message);
    if message.chars().count() < 500 {
        let quoted = format!("\"{}\"", message.replace('\\', "\\\\").replace('"', "\\\""));
        assert_eq!(logs::fuzzing::matches(&quoted, message), Some(true), "{quoted}");
    }
}
