//! Compares an answer with what a scenario expects.

use serde_json::Value as Json;

/// The first difference, as a path and a text; `None` when the answer is as expected.
pub fn difference(expected: &Json, actual: &Json) -> Option<String> {
    compare("", expected, actual)
}

fn compare(path: &str, expected: &Json, actual: &Json) -> Option<String> {
    let differs = || Some(format!("at {path:?}: expected {expected}, got {actual}"));
    match (expected, actual) {
        (Json::String(pattern), _) if pattern.starts_with('<') && pattern.ends_with('>') => {
            if stands_for(pattern, actual) { None } else { differs() }
        }
        (Json::Object(wanted), Json::Object(got)) => {
            let open = wanted.contains_key("...");
            for (name, value) in wanted.iter().filter(|(name, _)| *name != "...") {
                let inner = format!("{path}/{name}");
                match got.get(name) {
                    Some(found) => {
                        if let Some(difference) = compare(&inner, value, found) {
                            return Some(difference);
                        }
                    }
                    None => return Some(format!("at {inner:?}: expected {value}, it is absent")),
                }
            }
            let further = got.keys().find(|name| !wanted.contains_key(*name));
            match further {
                Some(name) if !open => Some(format!("at {path:?}: unexpected member {name}: {}", got[name])),
                _ => None,
            }
        }
        (Json::Array(wanted), Json::Array(got)) if wanted.len() == got.len() => {
            let mut pairs = wanted.iter().zip(got).enumerate();
            pairs.find_map(|(at, (wanted, got))| compare(&format!("{path}/{at}"), wanted, got))
        }
        _ if expected == actual => None,
        _ => differs(),
    }
}

fn stands_for(pattern: &str, actual: &Json) -> bool {
    match pattern {
        "<any>" => true,
        "<number>" => actual.is_number(),
        "<text>" => actual.as_str().is_some_and(|text| !text.is_empty()),
        "<uuid>" => actual.as_str().is_some_and(|text| aws::RequestId::parse(text).is_some()),
        "<time>" => actual.as_str().is_some_and(|text| text.len() >= 19 && text.as_bytes()[10] == b'T'),
        // Any other text in angle brackets is meant literally.
        _ => actual.as_str() == Some(pattern),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_must_match_one_by_one_unless_the_object_is_open() {
        let actual = json!({"a": 1, "b": {"id": "4fd1a1a2-0000-4000-8000-000000000000"}, "c": [1, 2]});
        assert_eq!(difference(&json!({"a": 1, "b": {"id": "<uuid>"}, "c": ["<number>", 2]}), &actual), None);
        assert_eq!(difference(&json!({"a": 1, "...": true}), &actual), None);
        assert!(difference(&json!({"a": 1}), &actual).is_some_and(|d| d.contains("unexpected member b")));
        assert!(
            difference(&json!({"a": 1, "z": 2, "...": true}), &actual).is_some_and(|d| d.contains("absent"))
        );
        assert!(difference(&json!({"b": {"id": "<number>"}, "...": true}), &actual).is_some());
        assert!(difference(&json!({"c": [1], "...": true}), &actual).is_some());
    }
}
