//! `ls`: the functions of this account and region.

use wire::Value;

use crate::client::{Client, items_of, number_of, structure, text, text_of};
use crate::failure::{Exit, Failure};
use crate::figures;
use crate::limits;
use crate::session::Session;
use crate::shown;
use crate::table::{Align, render};

/// Lists functions on standard output.
pub async fn run(session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let functions = functions(&client).await?;
    if session.screen.is_json() {
        let all: Vec<_> = functions.iter().map(shown::json).collect();
        session.screen.answer(&format!("{}\n", serde_json::json!({ "Functions": all })))?;
        return Ok(Exit::Done);
    }
    if functions.is_empty() {
        session.screen.say("no functions yet");
        session.screen.say("next: lambent init hello && lambent deploy hello");
        return Ok(Exit::Done);
    }
    session.screen.answer(&table(&functions, session.clock.wall_ms()))?;
    Ok(Exit::Done)
}

/// All functions, page by page.
pub async fn functions(client: &Client) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    let mut marker = Value::Null;
    for _ in 0..limits::PAGES {
        let mut page = client.call("lambda", "ListFunctions", structure([("Marker", marker)])).await?.value;
        if let Value::List(functions) = page.take("Functions") {
            all.extend(functions);
        }
        marker = page.take("NextMarker");
        if marker.as_text().is_none_or(str::is_empty) {
            break;
        }
    }
    all.sort_by(|a, b| text_of(a, "FunctionName").cmp(text_of(b, "FunctionName")));
    Ok(all)
}

fn table(functions: &[Value], now_ms: u64) -> String {
    let row = |function: &Value| {
        let modified = text_of(function, "LastModified");
        let state = text_of(function, "State").to_lowercase();
        vec![
            text_of(function, "FunctionName").to_owned(),
            runtime(function),
            number_of(function, "MemorySize").map(|mb| mb.to_string()).unwrap_or_default(),
            // ListFunctions leaves the state out for functions that are simply active.
            if state.is_empty() { "active".into() } else { state },
            figures::parse_modified(modified).map_or(modified.to_owned(), |then| figures::ago(now_ms, then)),
        ]
    };
    let columns = [
        ("NAME", Align::Left),
        ("RUNTIME", Align::Left),
        ("MB", Align::Right),
        ("STATE", Align::Left),
        ("MODIFIED", Align::Left),
    ];
    render(&columns, &functions.iter().map(row).collect::<Vec<_>>())
}

/// The runtime, or what stands for it.
pub fn runtime(function: &Value) -> String {
    let runtime = text_of(function, "Runtime");
    if runtime.is_empty() { text_of(function, "PackageType").to_lowercase() } else { runtime.to_owned() }
}

/// Names a line each, if they come in time: a shell waits for them.
pub async fn complete(session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    if let Ok(names) = session.clock.within(limits::COMPLETION, names(&client)).await {
        session.screen.answer(&names?.iter().map(|name| format!("{name}\n")).collect::<String>())?;
    }
    Ok(Exit::Done)
}

/// The names of all functions.
pub async fn names(client: &Client) -> Result<Vec<String>, Failure> {
    Ok(functions(client).await?.iter().map(|function| text_of(function, "FunctionName").to_owned()).collect())
}

/// One function's configuration; `None` when there is none by that name.
pub async fn find(client: &Client, name: &str) -> Result<Option<Value>, Failure> {
    match client.call("lambda", "GetFunction", structure([("FunctionName", text(name))])).await {
        Ok(answer) => Ok(Some(answer.value)),
        Err(failure) if failure.is("ResourceNotFoundException") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The value of a tag.
pub fn tag<'a>(tags: &'a Value, name: &str) -> Option<&'a str> {
    match tags {
        Value::Map(tags) => tags.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_text()),
        // IAM has tags as a list of pairs.
        Value::List(tags) => {
            tags.iter().find(|tag| text_of(tag, "Key") == name).map(|tag| text_of(tag, "Value"))
        }
        _ => None,
    }
}

/// The items of a page whose list is by this name.
pub fn page<'a>(value: &'a Value, list: &str) -> &'a [Value] {
    items_of(value, list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_a_table() {
        let function = |name: &str, runtime: Value, state: Value| {
            structure([
                ("FunctionName", text(name)),
                ("Runtime", runtime),
                ("PackageType", text("Zip")),
                ("MemorySize", Value::Integer(128)),
                ("State", state),
                ("LastModified", text("2026-01-12T15:32:14.000+0000")),
            ])
        };
        let functions = [
            function("hello", text("python3.11"), text("Active")),
            function("thumbs", Value::Null, Value::Null),
        ];
        assert_eq!(
            table(&functions, 1_768_231_938_000),
            "NAME    RUNTIME      MB  STATE   MODIFIED\n\
             hello   python3.11  128  active  4s ago\n\
             thumbs  zip         128  active  4s ago\n"
        );
    }

    #[test]
    fn tags_are_found_in_both_forms() {
        let map = Value::Map(vec![("a".into(), text("1"))]);
        let list = Value::List(vec![structure([("Key", text("a")), ("Value", text("1"))])]);
        assert_eq!((tag(&map, "a"), tag(&list, "a"), tag(&list, "b")), (Some("1"), Some("1"), None));
    }
}
