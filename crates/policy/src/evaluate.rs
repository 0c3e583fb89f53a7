use crate::pattern::Unknown;
use crate::{Document, Effect, Listed, ResourcePattern, Statement};

/// What the policies say about one action on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed(By),
    /// A statement denies it.
    ExplicitDeny(By),
    /// No statement allows it.
    ImplicitDeny,
}

/// The statement that decided, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// Which of the documents, from 0.
    pub document: usize,
    /// Which of its statements, from 0.
    pub statement: usize,
}

/// Decides `action`, e.g. `lambda:InvokeFunction`, on `resource`, an ARN or `*`, by identity policies.
///
/// A deny anywhere wins; otherwise one allow is enough.
pub fn evaluate<'a>(
    documents: impl IntoIterator<Item = &'a Document>,
    action: &str,
    resource: &str,
) -> Decision {
    let action = action.to_ascii_lowercase();
    let mut decision = Decision::ImplicitDeny;
    for (document, policy) in documents.into_iter().enumerate() {
        for (index, statement) in policy.statements.iter().enumerate() {
            let by = By { document, statement: index };
            if !statement.covers_action(&action) || !statement.covers_resource(resource) {
                continue;
            }
            match (statement.effect, decision) {
                (Effect::Deny, _) => return Decision::ExplicitDeny(by),
                (Effect::Allow, Decision::ImplicitDeny) if statement.conditions.is_empty() => {
                    decision = Decision::Allowed(by);
                }
                (Effect::Allow, _) => {}
            }
        }
    }
    decision
}

impl Statement {
    /// Whether the statement speaks about the action, given in lower case.
    pub(crate) fn covers_action(&self, action: &str) -> bool {
        match &self.actions {
            Listed::Only(patterns) => patterns.iter().any(|p| p.matches_lower(action)),
            Listed::AllBut(patterns) => !patterns.iter().any(|p| p.matches_lower(action)),
        }
    }

    fn covers_resource(&self, resource: &str) -> bool {
        let any = |patterns: &[ResourcePattern], unknown| {
            patterns.iter().any(|pattern| pattern.matches_when(resource, unknown))
        };
        // A variable of unknown value must never allow more, and never deny less.
        match (&self.resources, self.effect) {
            (Some(Listed::Only(patterns)), Effect::Allow) => any(patterns, Unknown::Narrows),
            (Some(Listed::Only(patterns)), Effect::Deny) => any(patterns, Unknown::Widens),
            (Some(Listed::AllBut(patterns)), Effect::Allow) => !any(patterns, Unknown::Widens),
            (Some(Listed::AllBut(patterns)), Effect::Deny) => !any(patterns, Unknown::Narrows),
            (None, _) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(statements: &str) -> Document {
        Document::identity(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
    }

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    fn allowed(statement: &str, action: &str, resource: &str) -> bool {
        matches!(evaluate([&policy(statement)], action, resource), Decision::Allowed(_))
    }

    #[test]
    fn an_allow_matches_by_action_and_resource() {
        let cases = [
            (r#"{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"*"}"#, true),
            (
                r#"{"Effect":"Allow","Action":"LAMBDA:invoke*","Resource":"arn:aws:lambda:*:*:function:f*"}"#,
                true,
            ),
            (r#"{"Effect":"Allow","Action":["s3:*","lambda:*"],"Resource":["arn:aws:s3:::b","*"]}"#, true),
            (r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#, true),
            (r#"{"Effect":"Allow","NotAction":"lambda:*","Resource":"*"}"#, false),
            (r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::*"}"#, true),
            (r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:lambda:*:*:function:f"}"#, false),
            (
                r#"{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:*:*:function:g"}"#,
                false,
            ),
            (r#"{"Effect":"Allow","Action":"lambda:GetFunction","Resource":"*"}"#, false),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#,
                false,
            ),
            (r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{}}}"#, true),
            (
                r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:lambda:*:*:function:${aws:username}"}"#,
                false,
            ),
            (
                r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:lambda:*:*:function:${aws:username}"}"#,
                false,
            ),
        ];
        for (statement, expected) in cases {
            assert_eq!(allowed(statement, "lambda:InvokeFunction", FUNCTION), expected, "{statement}");
        }
    }

    #[test]
    fn an_operation_without_a_resource_needs_a_star() {
        let on = |resource: &str| {
            let statement = format!(r#"{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}"#);
            allowed(&statement, "lambda:ListFunctions", "*")
        };
        assert!(on("*"));
        assert!(!on("arn:aws:lambda:*:*:function:*"));
        assert!(!on("arn:aws:lambda:us-east-1:123456789012:function:f"));
    }

    #[test]
    fn a_deny_wins_wherever_it_stands_and_whatever_its_condition() {
        let allow = policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
        let denies = [
            r#"{"Effect":"Deny","Action":"lambda:*","Resource":"*"}"#,
            r#"{"Effect":"Deny","Action":"lambda:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#,
            r#"{"Effect":"Deny","Action":"*","Resource":"arn:aws:lambda:*:*:function:${aws:username}"}"#,
            r#"{"Effect":"Deny","Action":"*","NotResource":"arn:aws:lambda:*:*:function:${aws:username}"}"#,
            r#"{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}"#,
        ];
        for deny in denies {
            let deny = policy(deny);
            let by = |document| By { document, statement: 0 };
            let action = "lambda:InvokeFunction";
            assert_eq!(evaluate([&allow, &deny], action, FUNCTION), Decision::ExplicitDeny(by(1)));
            assert_eq!(evaluate([&deny, &allow], action, FUNCTION), Decision::ExplicitDeny(by(0)));
        }
        let other = policy(r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#);
        let decision = evaluate([&other, &allow], "lambda:InvokeFunction", FUNCTION);
        assert_eq!(decision, Decision::Allowed(By { document: 1, statement: 0 }));
    }

    #[test]
    fn nothing_is_allowed_by_nothing() {
        assert_eq!(evaluate([], "s3:GetObject", "*"), Decision::ImplicitDeny);
    }

    fn effect() -> impl Strategy<Value = &'static str> {
        prop_oneof![Just("Allow"), Just("Deny")]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_decision_is_the_definition(
            statements in prop::collection::vec((effect(), "[ab*]{1,2}", "[ab*]{1,2}"), 1..6),
            action in "[ab]{1,2}",
            resource in "[ab]{1,2}",
        ) {
            let text: Vec<String> = statements.iter().map(|(effect, a, r)| {
                format!(r#"{{"Effect":"{effect}","Action":"s3:{a}","Resource":"arn:aws:s3:::{r}"}}"#)
            }).collect();
            let policy = policy(&text.join(","));
            let hits = |wanted: &str| statements.iter().any(|(effect, a, r)| {
                *effect == wanted && crate::ActionPattern::new(a).matches(&action)
                    && crate::ActionPattern::new(r).matches(&resource)
            });
            let (action, resource) = (format!("s3:{action}"), format!("arn:aws:s3:::{resource}"));
            let decision = evaluate([&policy], &action, &resource);
            prop_assert_eq!(matches!(decision, Decision::ExplicitDeny(_)), hits("Deny"));
            prop_assert_eq!(matches!(decision, Decision::Allowed(_)), hits("Allow") && !hits("Deny"));
        }
    }
}
