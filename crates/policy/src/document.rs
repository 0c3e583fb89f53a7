use crate::pattern::{ActionPattern, ResourcePattern};

/// Why a document is refused: the text of AWS's `MalformedPolicyDocument`, unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl Malformed {
    /// What AWS says about everything that does not fit the grammar.
    pub(crate) fn syntax() -> Malformed {
        Malformed("Syntax errors in policy.".to_owned())
    }

    pub(crate) fn legacy() -> Malformed {
        Malformed("The policy failed legacy parsing".to_owned())
    }
}

/// A policy document that was read and found well formed.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The version of the language, absent in old documents.
    pub version: Option<Version>,
    /// `Id`, which identity policies ignore.
    pub id: Option<String>,
    /// At least one statement.
    pub statements: Vec<Statement>,
}

/// The versions of the policy language. Policy variables exist since 2012.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `2008-10-17`, also meant when there is none.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// What a statement does when it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Allows, unless something denies.
    Allow,
    /// Denies, whatever allows.
    Deny,
}

/// A list, or everything but a list: `Action` and `NotAction`, `Resource` and `NotResource`.
#[derive(Debug, Clone, PartialEq)]
pub enum Listed<T> {
    /// These.
    Only(Vec<T>),
    /// All but these.
    AllBut(Vec<T>),
}

impl<T> Listed<T> {
    /// The list itself, whichever way it is meant.
    pub fn items(&self) -> &[T] {
        match self {
            Listed::Only(items) | Listed::AllBut(items) => items,
        }
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// `Sid`.
    pub sid: Option<String>,
    /// `Effect`.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`; absent in identity policies.
    pub principals: Option<Listed<Principal>>,
    /// `Action` or `NotAction`.
    pub actions: Listed<ActionPattern>,
    /// `Resource` or `NotResource`; absent in trust policies.
    pub resources: Option<Listed<ResourcePattern>>,
    /// `Condition`: all must hold.
    pub conditions: Vec<Condition>,
}

/// One principal of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// `"*"` or `{"AWS": "*"}`: everyone.
    Any,
    /// `AWS`: an account number, an ARN, or the unique id of an entity.
    Aws(String),
    /// `Service`, e.g. `lambda.amazonaws.com`.
    Service(String),
    /// `Federated`.
    Federated(String),
    /// `CanonicalUser`.
    CanonicalUser(String),
}

/// One comparison of a `Condition` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The operator as written, e.g. `ForAnyValue:StringLikeIfExists`.
    pub operator: String,
    /// The condition key as written.
    pub key: String,
    /// The values, any of which may match.
    pub values: Vec<String>,
}
