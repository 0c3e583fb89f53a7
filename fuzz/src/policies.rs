//! Policy documents: a line with an action and a resource, then the document.

use std::collections::BTreeMap;

use policy::{Assumer, Decision, Document};

const DENY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":"none:None","Resource":"*"}}"#;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (question, text) = text.split_once('\n').unwrap_or((text, ""));
    let (action, resource) = question.split_once(' ').unwrap_or((question, "*"));
    policy::counted_size(text);
    if let Ok(document) = Document::identity(text) {
        let deny = Document::identity(DENY).expect("it is a policy");
        policy::evaluate([&document], action, resource);
        let decision = policy::evaluate([&document, &deny], action, resource);
        let denied = matches!(decision, Decision::ExplicitDeny(_));
        assert!(denied || action.eq_ignore_ascii_case("none:None"), "{decision:?}");
    }
    if let Ok(document) = Document::trust(text) {
        document.entities();
        let account = aws::AccountId::parse("123456789012").expect("it is an account");
        for who in [
            Assumer::Service(resource),
            Assumer::User { arn: resource, account, id: "AIDAEXAMPLE" },
            Assumer::Session { role: resource, arn: action, account, id: "AROAEXAMPLE" },
        ] {
            policy::trust(&document, action, who, &BTreeMap::new());
        }
        if let Some(normalised) = Document::normalised_trust(text) {
            assert!(Document::trust(&normalised).is_ok(), "{normalised}");
        }
    }
}
