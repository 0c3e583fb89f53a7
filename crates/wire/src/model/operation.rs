//! Operations of a model and the paths by which REST protocols find them.

use std::collections::HashMap;

use super::{Member, Namespace, ShapeId};
use crate::limits::PATH_SEGMENTS;

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

    /// The segments of a path as it was sent; `None` when there are too many.
    pub(super) fn split(path: &str) -> Option<Vec<&str>> {
        let path = path.strip_prefix('/').unwrap_or(path);
        // `/functions/` is `/functions`: real clients send both.
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut segments = Vec::with_capacity(8);
        if path.is_empty() {
            return Some(segments);
        }
        for segment in path.split('/') {
            if segments.len() == PATH_SEGMENTS {
                return None;
            }
            segments.push(segment);
        }
        Some(segments)
    }

    /// The first operation that is accepted, from the most literal path to the least.
    pub(super) fn find(&self, path: &[&str], accept: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.walk(0, path, accept)
    }

    fn walk(&self, at: usize, rest: &[&str], accept: &dyn Fn(usize) -> bool) -> Option<usize> {
        let node = &self.nodes[at];
        let Some((first, rest)) = rest.split_first() else {
            return node.operations.iter().copied().find(|index| accept(*index));
        };
        if let Some(&child) = node.literals.get(*first)
            && let Some(found) = self.walk(child, rest, accept)
        {
            return Some(found);
        }
        if first.is_empty() {
            return None;
        }
        if let Some(child) = node.label
            && let Some(found) = self.walk(child, rest, accept)
        {
            return Some(found);
        }
        let child = node.greedy?;
        (0..=rest.len()).rev().find_map(|taken| self.walk(child, &rest[taken..], accept))
    }
}
