//! Reads a model from botocore's JSON form.

use std::collections::{HashMap, HashSet};

use http::HeaderName;
use serde::Deserialize;
use serde_json::Value as Json;

use super::operation::{Need, Root, Routes, parse_uri};
use super::shape::{
    Entries, ErrorTrait, EventPart, Items, Kind, Location, Member, Namespace, Rules, Shape, ShapeId,
    Structure,
};
use super::{InvalidModel, Model, Operation, Pattern, Protocol, TimestampFormat, Validation};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawModel {
    metadata: RawMetadata,
    #[serde(default)]
    operations: Pairs<RawOperation>,
    shapes: Pairs<RawShape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMetadata {
    protocol: String,
    #[serde(default)]
    protocols: Vec<String>,
    api_version: Option<String>,
    endpoint_prefix: Option<String>,
    json_version: Option<String>,
    signing_name: Option<String>,
    service_id: Option<String>,
    target_prefix: Option<String>,
    xml_namespace: Option<RawNamespace>,
    aws_query_compatible: Option<Json>,
    error_namespace: Option<String>,
    action_prefix: Option<String>,
    #[serde(default)]
    validation: RawValidation,
}

#[derive(Deserialize, Default)]
struct RawValidation {
    code: Option<String>,
    #[serde(default)]
    concise: bool,
}

#[derive(Deserialize)]
struct RawOperation {
    name: String,
    http: Option<RawHttp>,
    input: Option<RawMember>,
    output: Option<RawMember>,
    #[serde(default)]
    errors: Vec<RawMember>,
    authtype: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHttp {
    method: String,
    request_uri: String,
    response_code: Option<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawShape {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    members: Pairs<RawMember>,
    #[serde(default)]
    required: Vec<String>,
    member: Option<RawMember>,
    key: Option<RawMember>,
    value: Option<RawMember>,
    #[serde(default)]
    flattened: bool,
    timestamp_format: Option<String>,
    payload: Option<String>,
    #[serde(default)]
    exception: bool,
    #[serde(default)]
    fault: bool,
    #[serde(default)]
    union: bool,
    #[serde(default)]
    document: bool,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    eventstream: bool,
    location_name: Option<String>,
    xml_namespace: Option<RawNamespace>,
    complaint: Option<String>,
    error: Option<RawError>,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    #[serde(rename = "enum", default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawError {
    code: Option<String>,
    http_status_code: Option<u16>,
    sender_fault: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMember {
    shape: String,
    location: Option<String>,
    location_name: Option<String>,
    query_name: Option<String>,
    #[serde(default)]
    flattened: bool,
    timestamp_format: Option<String>,
    #[serde(default)]
    jsonvalue: bool,
    #[serde(default)]
    idempotency_token: bool,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    xml_attribute: bool,
    xml_namespace: Option<RawNamespace>,
    #[serde(default)]
    unwrapped: bool,
    #[serde(default)]
    eventheader: bool,
    #[serde(default)]
    eventpayload: bool,
}

#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum RawNamespace {
    Uri(String),
    Whole { prefix: Option<String>, uri: String },
}

impl From<RawNamespace> for Namespace {
    fn from(raw: RawNamespace) -> Namespace {
        match raw {
            RawNamespace::Uri(uri) => Namespace { prefix: None, uri },
            RawNamespace::Whole { prefix, uri } => Namespace { prefix, uri },
        }
    }
}

/// A JSON object as pairs in the document's order.
struct Pairs<T>(Vec<(String, T)>);

impl<T> Default for Pairs<T> {
    fn default() -> Pairs<T> {
        Pairs(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Pairs<T>, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = Pairs<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}

pub(super) fn parse(name: &str, json: &[u8]) -> Result<Model, InvalidModel> {
    let raw: RawModel = serde_json::from_slice(json).map_err(|error| InvalidModel(error.to_string()))?;
    let mut shapes = Shapes::new(raw.shapes.0)?;
    let mut operations = Vec::with_capacity(raw.operations.0.len());
    for (_, operation) in raw.operations.0 {
        operations.push(shapes.operation(operation)?);
    }
    shapes.settle_outputs(&operations);
    operations.sort_by(|a, b| a.name.cmp(&b.name));
    let by_name = operations.iter().enumerate().map(|(index, op)| (op.name.clone(), index)).collect();
    let metadata = raw.metadata;
    let protocol = protocol(&metadata.protocol, metadata.json_version.as_deref())?;
    let mut protocols = vec![protocol];
    for other in &metadata.protocols {
        // A protocol that is not spoken here is no reason to refuse the model.
        if let Ok(other) = self::protocol(other, metadata.json_version.as_deref())
            && !protocols.contains(&other)
        {
            protocols.push(other);
        }
    }
    let signing_name = metadata.signing_name.or(metadata.endpoint_prefix).unwrap_or_default();
    Ok(Model {
        name: name.to_owned(),
        action_prefix: metadata.action_prefix.unwrap_or_else(|| signing_name.clone()),
        signing_name,
        target_prefix: metadata.target_prefix.unwrap_or_default(),
        service_id: metadata.service_id.unwrap_or_default(),
        api_version: metadata.api_version.unwrap_or_default(),
        xml_namespace: metadata.xml_namespace.map(|raw| Namespace::from(raw).uri).unwrap_or_default(),
        query_compatible: metadata.aws_query_compatible.is_some(),
        error_namespace: metadata.error_namespace.unwrap_or_default(),
        protocols,
        validation: Validation {
            code: metadata.validation.code.unwrap_or_else(|| "ValidationException".to_owned()),
            concise: metadata.validation.concise,
        },
        routes: Routes::new(&operations),
        errors: errors(&shapes.shapes),
        operations,
        by_name,
        shapes: shapes.shapes,
    })
}

fn protocol(name: &str, json_version: Option<&str>) -> Result<Protocol, InvalidModel> {
    match (name, json_version) {
        ("rest-json", _) => Ok(Protocol::RestJson),
        ("json", Some("1.0")) => Ok(Protocol::Json10),
        ("json", _) => Ok(Protocol::Json11),
        ("query", _) => Ok(Protocol::Query),
        ("rest-xml", _) => Ok(Protocol::RestXml),
        ("smithy-rpc-v2-cbor", _) => Ok(Protocol::Cbor),
        _ => Err(InvalidModel(format!("protocol {name} is not spoken"))),
    }
}

fn namespace(part: Option<&RawMember>) -> Option<Namespace> {
    part.and_then(|part| part.xml_namespace.clone()).map(Namespace::from)
}

/// Error shapes by their code and by their name.
fn errors(shapes: &[Shape]) -> HashMap<String, ShapeId> {
    let mut errors = HashMap::new();
    for (index, shape) in shapes.iter().enumerate() {
        let Some(error) = shape.kind.structure().and_then(|structure| structure.error.as_ref()) else {
            continue;
        };
        let id = ShapeId(index as u32);
        if let Some(code) = &error.code {
            errors.entry(code.clone()).or_insert(id);
        }
        errors.insert(shape.name.clone(), id);
    }
    errors
}

/// What a member takes over from its shape, which may be read after it.
struct Traits {
    flattened: bool,
    streaming: bool,
    eventstream: bool,
}

impl Traits {
    fn of(raw: &RawShape) -> Traits {
        Traits { flattened: raw.flattened, streaming: raw.streaming, eventstream: raw.eventstream }
    }
}

struct Shapes {
    shapes: Vec<Shape>,
    ids: HashMap<String, ShapeId>,
}

impl Shapes {
    fn new(raw: Vec<(String, RawShape)>) -> Result<Shapes, InvalidModel> {
        let ids =
            raw.iter().enumerate().map(|(index, (name, _))| (name.clone(), ShapeId(index as u32))).collect();
        let traits = raw.iter().map(|(_, shape)| Traits::of(shape)).collect::<Vec<_>>();
        let mut shapes = Shapes { shapes: Vec::with_capacity(raw.len()), ids };
        for (name, shape) in raw {
            let shape = shapes.shape(name, shape, &traits)?;
            shapes.shapes.push(shape);
        }
        Ok(shapes)
    }

    /// An answer has neither labels nor parameters: what has its place there in a request travels in the body.
    fn settle_outputs(&mut self, operations: &[Operation]) {
        let inputs: HashSet<ShapeId> = operations.iter().filter_map(|operation| operation.input).collect();
        for output in operations.iter().filter_map(|operation| operation.output) {
            if inputs.contains(&output) {
                continue;
            }
            if let Kind::Structure(structure) = &mut self.shapes[output.0 as usize].kind {
                let is_lost =
                    |member: &&mut Member| matches!(member.location, Location::Uri | Location::Query);
                structure
                    .members
                    .iter_mut()
                    .filter(is_lost)
                    .for_each(|member| member.location = Location::Body);
            }
        }
    }

    fn id(&self, name: &str) -> Result<ShapeId, InvalidModel> {
        self.ids.get(name).copied().ok_or_else(|| InvalidModel(format!("shape {name} is missing")))
    }

    fn shape(&self, name: String, raw: RawShape, traits: &[Traits]) -> Result<Shape, InvalidModel> {
        let part = |part: &Option<RawMember>| -> Result<ShapeId, InvalidModel> {
            let part = part.as_ref().ok_or_else(|| InvalidModel(format!("shape {name} lacks a part")))?;
            self.id(&part.shape)
        };
        let kind = match raw.kind.as_str() {
            "boolean" => Kind::Boolean,
            "integer" => Kind::Integer,
            "long" => Kind::Long,
            "float" | "double" => Kind::Float,
            "string" | "character" => Kind::Text,
            "blob" => Kind::Blob,
            "timestamp" => Kind::Timestamp(format(raw.timestamp_format.as_deref())),
            "list" => Kind::List(Items {
                shape: part(&raw.member)?,
                name: raw.member.as_ref().and_then(|member| member.location_name.clone()),
                flattened: raw.flattened,
                format: raw.member.as_ref().and_then(|member| format(member.timestamp_format.as_deref())),
                namespace: namespace(raw.member.as_ref()),
            }),
            "map" => Kind::Map(Entries {
                key: part(&raw.key)?,
                value: part(&raw.value)?,
                key_name: part_name(&raw.key, "key"),
                value_name: part_name(&raw.value, "value"),
                flattened: raw.flattened,
                key_namespace: namespace(raw.key.as_ref()),
                value_namespace: namespace(raw.value.as_ref()),
            }),
            "structure" if raw.document => Kind::Document,
            "structure" => Kind::Structure(self.structure(&name, &raw, traits)?),
            other => return Err(InvalidModel(format!("shape {name} is a {other}"))),
        };
        let pattern = raw.pattern.map(Pattern::new);
        let rules = Rules {
            min: raw.min,
            max: raw.max,
            pattern,
            values: raw.values,
            sensitive: raw.sensitive,
            complaint: raw.complaint,
        };
        let namespace = raw.xml_namespace.map(Namespace::from);
        Ok(Shape { name, kind, rules, xml_name: raw.location_name, namespace })
    }

    fn structure(&self, name: &str, raw: &RawShape, traits: &[Traits]) -> Result<Structure, InvalidModel> {
        let mut members = Vec::with_capacity(raw.members.0.len());
        for (name, member) in &raw.members.0 {
            let mut member = self.member(name, member, raw.required.contains(name))?;
            let inherited = &traits[member.shape.0 as usize];
            member.flattened |= inherited.flattened;
            member.streaming |= inherited.streaming;
            members.push(member);
        }
        let payload = match &raw.payload {
            None => None,
            Some(payload) => Some(
                members
                    .iter()
                    .position(|member| member.name == *payload)
                    .ok_or_else(|| InvalidModel(format!("payload {payload} of {name} is missing")))?,
            ),
        };
        let error = raw.exception.then(|| {
            let error = raw.error.as_ref();
            let server = raw.fault || error.and_then(|error| error.sender_fault) == Some(false);
            let status = error.and_then(|error| error.http_status_code);
            ErrorTrait {
                code: error.and_then(|error| error.code.clone()),
                status: status.unwrap_or(if server { 500 } else { 400 }),
                server,
            }
        });
        let events = members.iter().position(|member| traits[member.shape.0 as usize].eventstream);
        Ok(Structure { members, payload, union: raw.union, events, error })
    }

    fn member(&self, name: &str, raw: &RawMember, required: bool) -> Result<Member, InvalidModel> {
        let location = match raw.location.as_deref() {
            None => Location::Body,
            Some("uri") => Location::Uri,
            Some("querystring") => Location::Query,
            Some("header") => Location::Header,
            Some("headers") => Location::Headers,
            Some("statusCode") => Location::Status,
            Some(other) => return Err(InvalidModel(format!("member {name} travels in {other}"))),
        };
        let wire_name = raw.location_name.clone().unwrap_or_else(|| name.to_owned());
        Ok(Member {
            name: name.to_owned(),
            shape: self.id(&raw.shape)?,
            location,
            header: header(name, location, &wire_name)?,
            query_name: raw.query_name.clone().unwrap_or_else(|| wire_name.clone()),
            wire_name,
            named: raw.location_name.as_ref().is_some_and(|own| own != name),
            path_name: lower_first_word(name),
            required,
            flattened: raw.flattened,
            format: format(raw.timestamp_format.as_deref()),
            json_value: raw.jsonvalue,
            idempotency_token: raw.idempotency_token,
            streaming: raw.streaming,
            attribute: raw.xml_attribute,
            namespace: namespace(Some(raw)),
            event: match (raw.eventheader, raw.eventpayload) {
                (true, _) => EventPart::Header,
                (false, true) => EventPart::Payload,
                (false, false) => EventPart::Document,
            },
        })
    }

    /// What the operation says of a root element; the name that a shape has for itself goes before.
    fn root(&self, part: Option<RawMember>) -> Result<Root, InvalidModel> {
        let Some(part) = part else { return Ok(Root::default()) };
        let own = &self.shapes[self.id(&part.shape)?.0 as usize].xml_name;
        let namespace = namespace(Some(&part));
        let name = part.location_name.filter(|_| own.is_none());
        Ok(Root { name, namespace, unwrapped: part.unwrapped })
    }

    fn operation(&self, raw: RawOperation) -> Result<Operation, InvalidModel> {
        let http = raw.http.unwrap_or(RawHttp {
            method: "POST".into(),
            request_uri: "/".into(),
            response_code: None,
        });
        let (path, constants) = parse_uri(&http.request_uri);
        let id =
            |member: &Option<RawMember>| member.as_ref().map(|member| self.id(&member.shape)).transpose();
        let mut errors = Vec::with_capacity(raw.errors.len());
        for error in &raw.errors {
            errors.push(self.id(&error.shape)?);
        }
        let input = id(&raw.input)?;
        Ok(Operation {
            name: raw.name,
            method: http.method,
            path,
            constants,
            needs: input.map(|input| self.needs(input)).unwrap_or_default(),
            status: http.response_code.unwrap_or(200),
            input,
            output: id(&raw.output)?,
            input_root: self.root(raw.input)?,
            output_root: self.root(raw.output)?,
            errors,
            signed: raw.authtype.as_deref() != Some("none"),
        })
    }

    fn needs(&self, input: ShapeId) -> Vec<Need> {
        let Some(structure) = self.shapes[input.0 as usize].kind.structure() else { return Vec::new() };
        let required = structure.members.iter().filter(|member| member.required);
        required
            .filter_map(|member| match member.location {
                Location::Query => Some(Need::Query(member.wire_name.clone())),
                Location::Header => member.header.clone().map(Need::Header),
                Location::Body | Location::Uri | Location::Headers | Location::Status => None,
            })
            .collect()
    }
}

fn header(name: &str, location: Location, wire_name: &str) -> Result<Option<HeaderName>, InvalidModel> {
    if location != Location::Header {
        return Ok(None);
    }
    let header = HeaderName::try_from(wire_name);
    header.map(Some).map_err(|_| InvalidModel(format!("member {name} names no header")))
}

fn part_name(part: &Option<RawMember>, default: &str) -> String {
    part.as_ref().and_then(|part| part.location_name.clone()).unwrap_or_else(|| default.to_owned())
}

fn format(name: Option<&str>) -> Option<TimestampFormat> {
    match name? {
        "unixTimestamp" => Some(TimestampFormat::Epoch),
        "iso8601" => Some(TimestampFormat::Iso8601),
        "rfc822" => Some(TimestampFormat::Http),
        _ => None,
    }
}

/// `VpcConfig` → `vpcConfig`, `KMSKeyArn` → `kMSKeyArn`: AWS lowers the first letter alone.
fn lower_first_word(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
