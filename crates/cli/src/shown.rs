//! A call as the `aws ...` line that does the same: the proof that there is one API.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use wire::Value;

/// The line for a call. Blobs that came from a file are named by `file`, others are given inline.
pub fn line(service: &str, operation: &str, input: &Value, file: Option<&str>) -> String {
    let mut words = vec!["aws".to_owned(), service.to_owned(), kebab(operation)];
    let mut tail = String::new();
    let Value::Structure(members) = input else { return words.join(" ") };
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        match (service, operation, name.as_ref(), value) {
            ("lambda", "Invoke", "Payload", Value::Blob(payload)) => {
                tail = match std::str::from_utf8(payload) {
                    Ok(text) => format!(" <<< {}", quote(text)),
                    Err(_) => format!(" < {}", quote(file.unwrap_or("payload"))),
                };
                words.push("--payload fileb:///dev/stdin".into());
            }
            ("lambda", "CreateFunction", "Code", code) => {
                if let Value::Blob(_) = code.member("ZipFile") {
                    words.push(format!("--zip-file fileb://{}", quote(file.unwrap_or("code.zip"))));
                }
            }
            ("lambda", "UpdateFunctionCode", "ZipFile", _) => {
                words.push(format!("--zip-file fileb://{}", quote(file.unwrap_or("code.zip"))));
            }
            (_, _, name, Value::Bool(on)) => {
                let no = if *on { "" } else { "no-" };
                words.push(format!("--{no}{}", kebab(name)));
            }
            (_, _, name, value) => words.push(format!("--{} {}", kebab(name), argument(value))),
        }
    }
    if (service, operation) == ("lambda", "Invoke") {
        words.push("/dev/stdout".into());
    }
    words.join(" ") + &tail
}

fn argument(value: &Value) -> String {
    match value {
        Value::Text(text) => quote(text),
        Value::List(items) if !items.is_empty() && items.iter().all(|item| item.as_text().is_some()) => {
            items.iter().map(argument).collect::<Vec<_>>().join(" ")
        }
        other => match json(other) {
            serde_json::Value::String(text) => quote(&text),
            json => quote(&json.to_string()),
        },
    }
}

/// A value as the JSON that AWS's tools show: blobs in base64, timestamps as numbers.
pub fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(on) => (*on).into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) | Value::Timestamp(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Blob(bytes) => BASE64_STANDARD.encode(bytes).into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => {
            serde_json::Value::Object(entries.iter().map(|(key, value)| (key.clone(), json(value))).collect())
        }
        Value::Structure(members) => serde_json::Value::Object(
            members.iter().map(|(name, value)| (name.clone().into_owned(), json(value))).collect(),
        ),
        Value::Document(document) => document.clone(),
        // What streams is not shown but written as it comes.
        Value::Body(_) | Value::Events(_) => serde_json::Value::Null,
    }
}

/// `CreateFunction` as `create-function`, `S3Bucket` as `s3-bucket`, `KMSKeyArn` as `kms-key-arn`.
pub fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(index + 1);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if begins {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// The text as one word of a POSIX shell.
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,%+$".contains(c) && c != '$';
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(members: Vec<(&'static str, Value)>) -> Value {
        Value::Structure(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn calls_are_shown_as_the_aws_cli_takes_them() {
        let invoke = structure(vec![
            ("FunctionName", text("hello")),
            ("LogType", text("Tail")),
            ("Payload", Value::Blob("{\"a\":\"it's\"}".into())),
        ]);
        assert_eq!(
            line("lambda", "Invoke", &invoke, None),
            "aws lambda invoke --function-name hello --log-type Tail --payload fileb:///dev/stdin /dev/stdout \
             <<< '{\"a\":\"it'\\''s\"}'"
        );
        let create = structure(vec![
            ("FunctionName", text("hello")),
            ("Code", structure(vec![("ZipFile", Value::Blob("zip".into()))])),
            ("Timeout", Value::Integer(3)),
            ("Publish", Value::Bool(false)),
            ("Tags", Value::Map(vec![("a".into(), text("b"))])),
            ("Architectures", Value::List(vec![text("x86_64")])),
        ]);
        assert_eq!(
            line("lambda", "CreateFunction", &create, Some("hello.zip")),
            "aws lambda create-function --function-name hello --zip-file fileb://hello.zip --timeout 3 --no-publish \
             --tags '{\"a\":\"b\"}' --architectures x86_64"
        );
    }

    #[test]
    fn names_become_options() {
        for (name, option) in [
            ("CreateFunction", "create-function"),
            ("KMSKeyArn", "kms-key-arn"),
            ("S3Bucket", "s3-bucket"),
            ("logGroupName", "log-group-name"),
            ("GetCallerIdentity", "get-caller-identity"),
        ] {
            assert_eq!(kebab(name), option);
        }
        assert_eq!(quote("$LATEST"), "'$LATEST'");
        assert_eq!(quote(""), "''");
    }
}
