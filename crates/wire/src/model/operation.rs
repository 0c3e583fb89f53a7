//! Operations of a model and the paths by which REST protocols find them.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName};

use super::{Member, Namespace, ShapeId};
use crate::codec::form;

/// One operation of a model.
pub struct Operation {
    /// The name, e.g. `CreateFunction`.
    pub name: String,
    /// The HTTP method.
    pub method: String,
    /// The segments of the path.
    pub path: Vec<Segment>,
    /// Parameters that the query string must hold, e.g. `find=LayerVersion`.
    pub constants: Vec<(String, String)>,
    /// Members of the query string and of headers that the input must have. Where operations share method, path and constant
    /// parameters, these tell them apart.
    pub needs: Vec<Need>,
    /// The status of a success.
    pub status: u16,
    /// The input's structure; `None` when there is none.
    pub input: Option<ShapeId>,
    /// The output's structure; `None` when there is none.
    pub output: Option<ShapeId>,
    /// The root element of an input in XML.
    pub input_root: Root,
    /// The root element of an output in XML.
    pub output_root: Root,
    /// The error shapes that the model lists.
    pub errors: Vec<ShapeId>,
    /// False for operations that take no signature.
    pub signed: bool,
}

impl std::fmt::Debug for Operation {
    /// The name alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Operation({})", self.name)
    }
}

/// The root element of a body in XML, as far as the operation says it.
#[derive(Debug, Default)]
pub struct Root {
    /// Its name; without one it is that of the shape.
    pub name: Option<String>,
    /// The namespace that it declares; without one it is that of shape or service.
    pub namespace: Option<Namespace>,
    /// True when it is the element of the one member, and nothing stands for the structure around it.
    pub unwrapped: bool,
}

impl Root {
    /// The root element of a payload: what the member says.
    pub(crate) fn of(member: &Member) -> Root {
        let name = member.named.then(|| member.wire_name.clone());
        Root { name, namespace: member.namespace.clone(), unwrapped: false }
    }
}

/// A segment of an operation's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Exactly this text.
    Literal(String),
    /// One segment, bound to the label.
    Label(String),
    /// One or more segments, bound to the label.
    Greedy(String),
}

/// A required member that is no label and not in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A parameter of the query string.
    Query(String),
    /// A header.
    Header(HeaderName),
}

/// What a path is routed by beside itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
}

/// How well an operation fits; the greater the better.
type Fit = (usize, bool, usize);

impl Operation {
    /// How well the operation fits what was asked on its path; `None` when it does not.
    fn fit(&self, asked: &Asked<'_>) -> Option<Fit> {
        let parameter = |key: &str| if asked.query.is_empty() { None } else { form::first(asked.query, key) };
        // `?acl` is there or not, `?list-type=2` has its value.
        let has =
            |key: &str, value: &str| parameter(key).is_some_and(|found| value.is_empty() || found == value);
        if self.method != asked.method || !self.constants.iter().all(|(key, value)| has(key, value)) {
            return None;
        }
        let is_met = |need: &Need| match need {
            Need::Query(name) => parameter(name).is_some(),
            Need::Header(name) => asked.headers.contains_key(name),
        };
        let met = self.needs.iter().all(is_met);
        let needs = if met { self.needs.len() } else { usize::MAX - self.needs.len() };
        Some((self.constants.len(), met, needs))
    }
}

/// Splits a `requestUri` into its path and its constant parameters.
pub(super) fn parse_uri(uri: &str) -> (Vec<Segment>, Vec<(String, String)>) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let segments = path.split('/').filter(|segment| !segment.is_empty()).map(segment).collect();
    let constants = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    (segments, constants)
}

fn segment(text: &str) -> Segment {
    let Some(label) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return Segment::Literal(text.to_owned());
    };
    match label.strip_suffix('+') {
        Some(label) => Segment::Greedy(label.to_owned()),
        None => Segment::Label(label.to_owned()),
    }
}

/// A tree of path segments; literals are preferred to labels.
#[derive(Debug, Default)]
pub(super) struct Routes {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, usize>,
    label: Option<usize>,
    greedy: Option<usize>,
    operations: Vec<usize>,
}

impl Routes {
    pub(super) fn new(operations: &[Operation]) -> Routes {
        let mut routes = Routes { nodes: vec![Node::default()] };
        for (index, operation) in operations.iter().enumerate() {
            let mut at = 0;
            for segment in &operation.path {
                at = routes.child(at, segment);
            }
            routes.nodes[at].operations.push(index);
        }
        routes
    }

    fn child(&mut self, at: usize, segment: &Segment) -> usize {
        let next = self.nodes.len();
        let child = match segment {
            Segment::Literal(text) => *self.nodes[at].literals.entry(text.clone()).or_insert(next),
            Segment::Label(_) => *self.nodes[at].label.get_or_insert(next),
            Segment::Greedy(_) => *self.nodes[at].greedy.get_or_insert(next),
        };
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }

    /// The operation of a path as it was sent, from the most literal path to the least.
    pub(super) fn find<'o>(
        &self,
        operations: &'o [Operation],
        path: &str,
        asked: &Asked<'_>,
    ) -> Option<&'o Operation> {
        self.walk(0, Some(path.strip_prefix('/').unwrap_or(path)), &|node| {
            let fits = node.operations.iter().filter_map(|index| {
                let operation = &operations[*index];
                Some((operation.fit(asked)?, operation))
            });
            // Of two that fit alike, the first in order of name.
            fits.reduce(|best, next| if next.0 > best.0 { next } else { best })
                .map(|(_, operation)| operation)
        })
    }

    /// `rest` is what follows the node's slash; `None` when the path ends without one.
    fn walk<'o>(
        &self,
        at: usize,
        rest: Option<&str>,
        pick: &dyn Fn(&Node) -> Option<&'o Operation>,
    ) -> Option<&'o Operation> {
        let node = &self.nodes[at];
        // `/functions/` is `/functions`: real clients send both.
        let Some(rest) = rest.filter(|rest| !rest.is_empty()) else { return pick(node) };
        let (first, after) = match rest.split_once('/') {
            Some((first, after)) => (first, Some(after)),
            None => (rest, None),
        };
        if let Some(&child) = node.literals.get(first)
            && let Some(found) = self.walk(child, after, pick)
        {
            return Some(found);
        }
        if let Some(child) = node.label.filter(|_| !first.is_empty())
            && let Some(found) = self.walk(child, after, pick)
        {
            return Some(found);
        }
        let child = node.greedy?;
        // A label that takes the rest takes it as it is: keys of objects have empty segments and end in slashes.
        if let Some(found) = pick(&self.nodes[child]) {
            return Some(found);
        }
        let mut ends = rest.rmatch_indices('/').map(|(end, _)| end).filter(|end| *end > 0);
        ends.find_map(|end| self.walk(child, Some(&rest[end + 1..]), pick))
    }
}
