//! Shapes: the types of a model, with their constraints and where their members travel.

use http::HeaderName;

use super::Pattern;

/// Which shape of its model; an index that only that model understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShapeId(pub(crate) u32);

/// One type of a model.
#[derive(Debug)]
pub struct Shape {
    /// The name in the model, e.g. `FunctionConfiguration`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What its values must satisfy.
    pub rules: Rules,
    /// The name of its element in XML where it is a whole body, when the model gives one.
    pub xml_name: Option<String>,
    /// The namespace of its element in XML, unless the member says otherwise.
    pub namespace: Option<Namespace>,
}

/// A namespace that an XML element declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// The prefix that stands for it; without one it is that of the element itself.
    pub prefix: Option<String>,
    /// The name, e.g. `http://s3.amazonaws.com/doc/2006-03-01/`.
    pub uri: String,
}

/// What a shape is.
#[derive(Debug)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// 32 bits.
    Integer,
    /// 64 bits.
    Long,
    /// A float or double.
    Float,
    /// A string.
    Text,
    /// Bytes; base64 in text protocols.
    Blob,
    /// A point in time, with the format that the shape prescribes.
    Timestamp(Option<TimestampFormat>),
    /// A list.
    List(Items),
    /// A map with string keys.
    Map(Entries),
    /// A structure or union.
    Structure(Structure),
    /// Any JSON.
    Document,
}

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// `1700000000.123`.
    Epoch,
    /// `2026-01-31T12:34:56Z`.
    Iso8601,
    /// `Sat, 31 Jan 2026 12:34:56 GMT`.
    Http,
}

/// The elements of a list.
#[derive(Debug)]
pub struct Items {
    /// The element's shape.
    pub shape: ShapeId,
    /// The element's name in query and XML, `member` when the model names none.
    pub name: Option<String>,
    /// True when the list has no wrapping name in query and XML.
    pub flattened: bool,
    /// The format of timestamps among the elements, when the list prescribes one.
    pub format: Option<TimestampFormat>,
    /// The namespace that each element declares in XML.
    pub namespace: Option<Namespace>,
}

/// The entries of a map.
#[derive(Debug)]
pub struct Entries {
    /// The key's shape, a string.
    pub key: ShapeId,
    /// The value's shape.
    pub value: ShapeId,
    /// The key's name in query and XML.
    pub key_name: String,
    /// The value's name in query and XML.
    pub value_name: String,
    /// True when entries have no wrapping name in query and XML.
    pub flattened: bool,
    /// The namespace that each key declares in XML.
    pub key_namespace: Option<Namespace>,
    /// The namespace that each value declares in XML.
    pub value_namespace: Option<Namespace>,
}

/// The members of a structure.
#[derive(Debug, Default)]
pub struct Structure {
    /// The members in the model's order.
    pub members: Vec<Member>,
    /// The member that is the whole HTTP body, by index.
    pub payload: Option<usize>,
    /// True when exactly one member is set.
    pub union: bool,
    /// The member that is an event stream, by index.
    pub events: Option<usize>,
    /// Set for error shapes.
    pub error: Option<ErrorTrait>,
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The name in the model; [`crate::Value::Structure`] uses it.
    pub name: String,
    /// Its shape.
    pub shape: ShapeId,
    /// Where it travels.
    pub location: Location,
    /// The name in JSON bodies, headers, query strings and path labels.
    pub wire_name: String,
    /// True when that is another name than the member's own.
    pub named: bool,
    /// The name in the query protocol and in XML.
    pub query_name: String,
    /// The name of the header that carries it, when one does.
    pub header: Option<HeaderName>,
    /// The path in validation messages: the name with its first word in lower case.
    pub path_name: String,
    /// True when it must be present.
    pub required: bool,
    /// True when a list or map is flattened here though its shape is not.
    pub flattened: bool,
    /// The format of a timestamp, when the member prescribes one.
    pub format: Option<TimestampFormat>,
    /// True when a string holds JSON that headers carry as base64.
    pub json_value: bool,
    /// True when clients fill it with a random token.
    pub idempotency_token: bool,
    /// True for a blob that is not read into memory.
    pub streaming: bool,
    /// True when it is an attribute of its structure's element in XML.
    pub attribute: bool,
    /// The namespace that its element declares in XML, where it is not its shape's.
    pub namespace: Option<Namespace>,
    /// Where it travels in the message of an event.
    pub event: EventPart,
}

/// Where a member of an event travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPart {
    /// In the document that is the payload.
    Document,
    /// As a header.
    Header,
    /// As the whole payload.
    Payload,
}

/// Where a member travels in protocols that use HTTP's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the body.
    Body,
    /// As a label of the path.
    Uri,
    /// As a parameter of the query string; a map is many parameters.
    Query,
    /// As a header.
    Header,
    /// As all headers that begin with the wire name.
    Headers,
    /// As the HTTP status.
    Status,
}

/// What a model says about an error shape.
#[derive(Debug, Clone)]
pub struct ErrorTrait {
    /// The code on the wire where it is not the shape's name.
    pub code: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// True when the server is to blame.
    pub server: bool,
}

/// The constraints of a shape.
#[derive(Debug, Default)]
pub struct Rules {
    /// The least value, length or number of entries.
    pub min: Option<f64>,
    /// The greatest value, length or number of entries.
    pub max: Option<f64>,
    /// The pattern that a string matches as a whole.
    pub pattern: Option<Pattern>,
    /// The values of an enum; empty when it is none.
    pub values: Vec<String>,
    /// True when messages must not repeat the value.
    pub sensitive: bool,
    /// The whole message about a value that does not match the pattern, where the service has its own; `{member}` stands
    /// for the member's name.
    pub complaint: Option<String>,
}

impl Member {
    /// True when it travels in the body.
    pub fn is_in_body(&self) -> bool {
        self.location == Location::Body
    }
}

impl Structure {
    /// The member with this name in the model.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The member that is the whole body.
    pub fn payload(&self) -> Option<&Member> {
        self.payload.map(|index| &self.members[index])
    }

    /// True when the body is a stream of bytes or events.
    pub fn streams(&self) -> bool {
        self.events.is_some() || self.payload().is_some_and(|member| member.streaming)
    }

    /// The member that is an event stream.
    pub fn events(&self) -> Option<&Member> {
        self.events.map(|index| &self.members[index])
    }
}

impl Kind {
    /// The structure, if this is one.
    pub fn structure(&self) -> Option<&Structure> {
        match self {
            Kind::Structure(structure) => Some(structure),
            _ => None,
        }
    }
}
