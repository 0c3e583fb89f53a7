//! AWS service models, embedded, inflated and parsed when first asked for.

mod entry;
mod load;
mod operation;
mod pattern;
mod shape;

use std::collections::HashMap;

use http::HeaderMap;

pub use entry::Weight;
pub(crate) use entry::{Entry, Services};
use operation::{Asked, Routes};
pub use operation::{Need, Operation, Root, Segment};
pub use pattern::Pattern;
pub use shape::{
    Entries, ErrorTrait, EventPart, Items, Kind, Location, Member, Namespace, Rules, Shape, ShapeId,
    Structure, TimestampFormat,
};

/// The model of one service.
pub struct Model {
    name: String,
    signing_name: String,
    action_prefix: String,
    target_prefix: String,
    service_id: String,
    api_version: String,
    xml_namespace: String,
    query_compatible: bool,
    error_namespace: String,
    protocols: Vec<Protocol>,
    validation: Validation,
    operations: Vec<Operation>,
    by_name: HashMap<String, usize>,
    routes: Routes,
    errors: HashMap<String, ShapeId>,
    shapes: Vec<Shape>,
}

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// restJson1: method and path choose the operation, bodies are JSON.
    RestJson,
    /// awsJson 1.0: a header chooses the operation, bodies are JSON.
    Json10,
    /// awsJson 1.1, which differs from 1.0 by its content type.
    Json11,
    /// awsQuery: a form parameter chooses the operation, answers are XML.
    Query,
    /// restXml: method and path choose the operation, bodies are XML.
    RestXml,
    /// rpcv2Cbor: the path names the operation, bodies are CBOR.
    Cbor,
}

/// How a service answers violated constraints.
#[derive(Debug)]
pub struct Validation {
    /// The error code, e.g. `ValidationException`.
    pub code: String,
    /// True when messages leave out the offending value and the members of an enum.
    pub concise: bool,
}

/// Why a model cannot be used.
#[derive(Debug)]
pub struct InvalidModel(String);

impl std::fmt::Display for InvalidModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "invalid model: {}", self.0)
    }
}

impl std::error::Error for InvalidModel {}

impl Protocol {
    /// AWS's name, e.g. `restJson1`.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::RestJson => "restJson1",
            Protocol::Json10 => "awsJson1_0",
            Protocol::Json11 => "awsJson1_1",
            Protocol::Query => "awsQuery",
            Protocol::RestXml => "restXml",
            Protocol::Cbor => "rpcv2Cbor",
        }
    }
}

impl Protocol {
    /// True for those that bind members to HTTP's own parts.
    pub fn is_rest(self) -> bool {
        match self {
            Protocol::RestJson | Protocol::RestXml => true,
            Protocol::Json10 | Protocol::Json11 | Protocol::Query | Protocol::Cbor => false,
        }
    }
}

impl std::fmt::Debug for Model {
    /// The name alone: a model is thousands of lines.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Model({})", self.name)
    }
}

impl Model {
    /// Parses a model in botocore's `service-2.json` form.
    ///
    /// # Errors
    /// When it is not JSON, names a shape that it lacks, or speaks no protocol that this crate knows.
    pub fn parse(name: &str, json: &[u8]) -> Result<Model, InvalidModel> {
        load::parse(name, json)
    }

    /// The embedded model of a service, by its name in `models/`.
    pub fn named(name: &str) -> Option<&'static Model> {
        Entry::all().iter().find(|entry| entry.name == name).map(Entry::model)
    }

    /// All embedded models, in order of name. This parses them all.
    pub fn all() -> impl Iterator<Item = &'static Model> {
        Entry::all().iter().map(Entry::model)
    }

    /// What each embedded model costs, in order of name. This parses none.
    pub fn weights() -> impl Iterator<Item = Weight> {
        Entry::all().iter().map(Entry::weight)
    }

    /// The name in `models/`, e.g. `lambda`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The service in credential scopes, e.g. `lambda`.
    pub fn signing_name(&self) -> &str {
        &self.signing_name
    }

    /// The service in IAM's actions, e.g. `lambda`.
    pub fn action_prefix(&self) -> &str {
        &self.action_prefix
    }

    /// What `X-Amz-Target` begins with in awsJson; empty for services without.
    pub fn target_prefix(&self) -> &str {
        &self.target_prefix
    }

    /// AWS's name for the service in SDKs, e.g. `CloudWatch Logs`.
    pub fn service_id(&self) -> &str {
        &self.service_id
    }

    /// The version of the API, e.g. `2015-03-31`.
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// The namespace of XML answers; empty for services without.
    pub fn xml_namespace(&self) -> &str {
        &self.xml_namespace
    }

    /// True when JSON errors carry the code of the query protocol in `x-amzn-query-error`.
    pub fn is_query_compatible(&self) -> bool {
        self.query_compatible
    }

    /// What JSON error types begin with, e.g. `com.amazonaws.sqs`; empty for services that leave it out.
    pub fn error_namespace(&self) -> &str {
        &self.error_namespace
    }

    /// True for S3, whose errors have a form of their own.
    pub fn is_s3(&self) -> bool {
        self.service_id == "S3"
    }

    /// True when the input of an operation is a stream of bytes or events.
    pub fn streams_input(&self, operation: &Operation) -> bool {
        operation.input.is_some_and(|shape| self.structure(shape).streams())
    }

    /// True when the output of an operation is a stream of bytes or events.
    pub fn streams_output(&self, operation: &Operation) -> bool {
        operation.output.is_some_and(|shape| self.structure(shape).streams())
    }

    /// The protocols that the service speaks, the preferred one first.
    pub fn protocols(&self) -> &[Protocol] {
        &self.protocols
    }

    /// How the service answers violated constraints.
    pub fn validation(&self) -> &Validation {
        &self.validation
    }

    /// All operations, in order of name.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation with this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.by_name.get(name).map(|index| &self.operations[*index])
    }

    /// The shape with this id.
    ///
    /// # Panics
    /// When the id belongs to another model.
    pub fn shape(&self, id: ShapeId) -> &Shape {
        &self.shapes[id.0 as usize]
    }

    /// The structure with this id, for inputs, outputs and errors.
    ///
    /// # Panics
    /// When the shape is no structure.
    pub fn structure(&self, id: ShapeId) -> &Structure {
        self.shape(id).kind.structure().expect("inputs, outputs and errors are structures")
    }

    /// The error shape with this code or name.
    pub fn error(&self, code: &str) -> Option<ShapeId> {
        self.errors.get(code).copied()
    }

    /// All error shapes, in order of name.
    pub fn error_shapes(&self) -> impl Iterator<Item = &Shape> {
        self.shapes
            .iter()
            .filter(|shape| shape.kind.structure().is_some_and(|structure| structure.error.is_some()))
    }

    /// All shapes, in order of name.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The operation of a REST protocol whose method and path match, and whose constant parameters and required headers and
    /// parameters fit best. `path` and `query` are as they were sent.
    pub fn route(&self, method: &str, path: &str, query: &str, headers: &HeaderMap) -> Option<&Operation> {
        self.routes.find(&self.operations, path, &Asked { method, query, headers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_model_parses_and_can_run_its_patterns() {
        let mut unsupported = Vec::new();
        for model in Model::all() {
            assert!(!model.operations().is_empty(), "{}", model.name());
            for shape in model.shapes() {
                if shape.rules.pattern.as_ref().is_some_and(|pattern| !pattern.is_supported()) {
                    unsupported.push(format!("{} {}", model.name(), shape.name));
                }
            }
        }
        assert_eq!(unsupported, Vec::<String>::new());
    }

    #[test]
    fn paths_prefer_literals_and_constant_parameters() {
        let lambda = Model::named("lambda").expect("lambda is embedded");
        let find = |method: &str, path: &str, query: &str| {
            lambda.route(method, path, query, &HeaderMap::new()).map(|operation| operation.name.as_str())
        };
        let cases = [
            ("GET", "/2015-03-31/functions", "", Some("ListFunctions")),
            ("GET", "/2015-03-31/functions/", "", Some("ListFunctions")),
            ("POST", "/2015-03-31/functions/", "", Some("CreateFunction")),
            ("POST", "/2015-03-31/functions/f/invocations", "", Some("Invoke")),
            ("POST", "/2015-03-31/functions/arn:aws:lambda:a:1:function:f/invocations", "", Some("Invoke")),
            ("GET", "/2018-10-31/layers", "Arn=x&find=LayerVersion", Some("GetLayerVersionByArn")),
            ("GET", "/2018-10-31/layers", "", Some("ListLayers")),
            ("GET", "/2015-03-31/functions//configuration", "", None),
            ("PATCH", "/2015-03-31/functions", "", None),
            ("GET", "/", "", None),
        ];
        for (method, path, query, expected) in cases {
            assert_eq!(find(method, path, query), expected, "{method} {path}");
        }
    }
}
