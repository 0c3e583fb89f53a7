//! Why bytes are not a value of their shape.

use std::borrow::Cow;

use aws::Fault;

use crate::Protocol;
use crate::model::Kind;

/// S3's words.
const NO_XML: &str =
    "The XML you provided was not well-formed or did not validate against our published schema";

/// Why bytes are not a value of their shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Not of the protocol's grammar, or beyond a limit.
    Syntax,
    /// Of the grammar, but not of the type: AWS's words.
    Type(Cow<'static, str>),
}

impl Malformed {
    /// A string that cannot be read as the shape's kind.
    pub(crate) fn text(kind: &Kind) -> Malformed {
        Malformed::of("class java.lang.String", kind)
    }

    /// A value of one Java class where another was modelled.
    pub(crate) fn of(class: &str, kind: &Kind) -> Malformed {
        let target = match kind {
            Kind::Boolean => "an Boolean",
            Kind::Integer => "an Integer",
            Kind::Long => "an Long",
            Kind::Float => "an Double",
            Kind::Text => "an String",
            Kind::Blob => "a Blob",
            Kind::Timestamp(_) => "milliseconds since epoch",
            Kind::List(_) => return Malformed::Type("Expected list or null".into()),
            Kind::Map(_) | Kind::Structure(_) => return Malformed::Type("Expected map or null".into()),
            Kind::Document => "a Document",
        };
        Malformed::Type(format!("{class} can not be converted to {target}").into())
    }

    /// A string that is not base64.
    pub(crate) fn base64(text: &str) -> Malformed {
        let reason = if text.len().is_multiple_of(4) {
            "Invalid Base64 character".to_owned()
        } else {
            format!("Base64 encoded length is expected a multiple of 4 bytes but found: {}", text.len())
        };
        let shown: String = text.chars().take(64).collect();
        Malformed::Type(format!("'{shown}' can not be converted to a Blob: {reason}").into())
    }

    pub(crate) fn into_fault(self, protocol: Protocol) -> Fault {
        let code = match (protocol, &self) {
            (Protocol::RestJson | Protocol::Json10 | Protocol::Json11 | Protocol::Cbor, _) => {
                "SerializationException"
            }
            (Protocol::Query, _) => "MalformedInput",
            (Protocol::RestXml, Malformed::Syntax) => {
                return Fault::new("MalformedXML", 400, NO_XML);
            }
            // A parameter or header; documents are read as a whole or not at all.
            (Protocol::RestXml, Malformed::Type(_)) => "InvalidArgument",
        };
        let message = match self {
            Malformed::Syntax => String::new(),
            Malformed::Type(text) => text.into_owned(),
        };
        Fault::new(code, 400, message)
    }
}
