//! Constraints of the models, and their violations in AWS's words.

mod words;

use std::borrow::Cow;

use aws::Fault;

use crate::limits;
use crate::model::{Entries, Items, Kind, Location, Member, Rules, ShapeId, Structure};
use crate::{Model, Value};
use words::{must_be_between, must_match, shown};

/// Checks a structure of an input.
pub(crate) fn check(model: &Model, shape: ShapeId, input: &Value) -> Result<(), Fault> {
    let mut check = Check { model, violations: Vec::new(), complaint: None };
    check.input(model.structure(shape), input);
    let Check { violations, complaint, .. } = check;
    if let Some(text) = complaint {
        return Err(Fault::new(model.validation().code.clone(), 400, text));
    }
    if violations.is_empty() {
        return Ok(());
    }
    let noun = if violations.len() == 1 { "error" } else { "errors" };
    let text = format!("{} validation {noun} detected: {}", violations.len(), violations.join("; "));
    Err(Fault::new(model.validation().code.clone(), 400, text))
}

struct Check<'m> {
    model: &'m Model,
    violations: Vec<String>,
    /// The first message of the service's own, which then is the only one.
    complaint: Option<String>,
}

impl Check<'_> {
    /// Members of the body come before those of path, query and headers.
    fn input(&mut self, structure: &Structure, input: &Value) {
        for member in structure.members.iter().filter(|member| member.location == Location::Body) {
            self.member("", member, input.member(&member.name));
        }
        for member in structure.members.iter().filter(|member| member.location != Location::Body) {
            self.member("", member, input.member(&member.name));
        }
    }

    fn structure(&mut self, path: &str, structure: &Structure, value: &Value) {
        for member in &structure.members {
            self.member(path, member, value.member(&member.name));
        }
    }

    fn member(&mut self, prefix: &str, member: &Member, value: &Value) {
        if value.is_null() {
            if member.required {
                self.violate_null(&join(prefix, &member.path_name));
            }
            return;
        }
        // Most members satisfy their rules: the path is put together for those that hold others or break a rule.
        let shape = self.model.shape(member.shape);
        if is_simple(&shape.kind) && first_broken(&shape.rules, value).is_none() {
            return;
        }
        self.value(&join(prefix, &member.path_name), member.shape, value);
    }

    fn value(&mut self, path: &str, shape: ShapeId, value: &Value) {
        let shape = self.model.shape(shape);
        self.complain(path, &shape.rules, value);
        for rule in broken(&shape.rules, value) {
            self.violate(path, value, &shape.rules, &rule);
        }
        match (&shape.kind, value) {
            (Kind::Structure(structure), Value::Structure(_)) => self.structure(path, structure, value),
            (Kind::List(items), Value::List(values)) => self.list(path, items, value, values),
            (Kind::Map(entries), Value::Map(values)) => self.map(path, entries, value, values),
            _ => {}
        }
    }

    fn complain(&mut self, path: &str, rules: &Rules, value: &Value) {
        let (Some(complaint), Some(pattern), Value::Text(text)) = (&rules.complaint, &rules.pattern, value)
        else {
            return;
        };
        if self.complaint.is_none() && !pattern.matches(text) {
            let member = path.rsplit('.').next().unwrap_or(path);
            self.complaint = Some(complaint.replace("{member}", member));
        }
    }

    fn list(&mut self, path: &str, items: &Items, list: &Value, values: &[Value]) {
        let item = self.model.shape(items.shape);
        if is_simple(&item.kind) {
            if values.iter().any(|value| first_broken(&item.rules, value).is_some()) {
                let rule = format!("Member must satisfy constraint: [{}]", self.all(&item.rules).join(", "));
                self.violate(path, list, &item.rules, &rule);
            }
            return;
        }
        for (index, value) in values.iter().enumerate() {
            if self.violations.len() >= limits::VIOLATIONS {
                return;
            }
            let path = format!("{path}.{}.member", index + 1);
            if value.is_null() {
                self.violate_null(&path);
            } else {
                self.value(&path, items.shape, value);
            }
        }
    }

    fn map(&mut self, path: &str, entries: &Entries, map: &Value, values: &[(String, Value)]) {
        let key = &self.model.shape(entries.key).rules;
        if values.iter().any(|(name, _)| first_broken_text(key, name).is_some()) {
            let rule = format!("Map keys must satisfy constraint: [{}]", self.all(key).join(", "));
            self.violate(path, map, key, &rule);
        }
        let item = self.model.shape(entries.value);
        if is_simple(&item.kind) {
            if values.iter().any(|(_, value)| first_broken(&item.rules, value).is_some()) {
                let rule =
                    format!("Map value must satisfy constraint: [{}]", self.all(&item.rules).join(", "));
                self.violate(path, map, &item.rules, &rule);
            }
            return;
        }
        for (name, value) in values {
            if self.violations.len() >= limits::VIOLATIONS {
                return;
            }
            let path = format!("{path}.{name}.member");
            if value.is_null() {
                self.violate_null(&path);
            } else {
                self.value(&path, entries.value, value);
            }
        }
    }

    /// Every rule of a shape, as lists and maps print them.
    fn all(&self, rules: &Rules) -> Vec<Cow<'static, str>> {
        let mut all = Vec::new();
        if let Some(max) = rules.max {
            all.push(must_be_between("length", "less", max));
        }
        if let Some(min) = rules.min {
            all.push(must_be_between("length", "greater", min));
        }
        if let Some(pattern) = &rules.pattern {
            all.push(must_match(pattern));
        }
        if !rules.values.is_empty() {
            all.push(self.one_of(&rules.values));
        }
        all
    }

    fn one_of(&self, values: &[String]) -> Cow<'static, str> {
        if self.model.validation().concise {
            return Cow::Borrowed("Member must satisfy enum value set");
        }
        Cow::Owned(format!("Member must satisfy enum value set: [{}]", values.join(", ")))
    }

    fn violate(&mut self, path: &str, value: &Value, rules: &Rules, rule: &str) {
        if self.violations.len() >= limits::VIOLATIONS {
            return;
        }
        let rule = match rule {
            ENUM => self.one_of(&rules.values),
            rule => Cow::Borrowed(rule),
        };
        let hides = rules.sensitive || self.model.validation().concise;
        let value = if hides { String::new() } else { format!(" '{}'", shown(value)) };
        self.violations.push(format!("Value{value} at '{path}' failed to satisfy constraint: {rule}"));
    }

    fn violate_null(&mut self, path: &str) {
        if self.violations.len() < limits::VIOLATIONS {
            let text =
                format!("Value null at '{path}' failed to satisfy constraint: Member must not be null");
            self.violations.push(text);
        }
    }
}

/// Stands for the enum rule until its words are known.
const ENUM: &str = "";

fn is_simple(kind: &Kind) -> bool {
    !matches!(kind, Kind::List(_) | Kind::Map(_) | Kind::Structure(_))
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// The rules that a value itself breaks; what it holds is not looked at.
fn broken(rules: &Rules, value: &Value) -> Vec<Cow<'static, str>> {
    match value {
        Value::Text(text) => broken_text(rules, text).collect(),
        Value::Blob(bytes) => out_of_bounds(rules, "length", bytes.len() as f64).collect(),
        Value::Integer(number) => out_of_bounds(rules, "value", *number as f64).collect(),
        Value::Float(number) => out_of_bounds(rules, "value", *number).collect(),
        Value::List(values) => out_of_bounds(rules, "length", values.len() as f64).collect(),
        Value::Map(entries) => out_of_bounds(rules, "length", entries.len() as f64).collect(),
        Value::Null => vec![Cow::Borrowed("Member must not be null")],
        Value::Bool(_)
        | Value::Timestamp(_)
        | Value::Structure(_)
        | Value::Document(_)
        | Value::Body(_)
        | Value::Events(_) => Vec::new(),
    }
}

fn first_broken(rules: &Rules, value: &Value) -> Option<Cow<'static, str>> {
    match value {
        Value::Text(text) => first_broken_text(rules, text),
        Value::Bool(_)
        | Value::Timestamp(_)
        | Value::Structure(_)
        | Value::Document(_)
        | Value::Body(_)
        | Value::Events(_) => None,
        value => broken(rules, value).into_iter().next(),
    }
}

fn first_broken_text(rules: &Rules, text: &str) -> Option<Cow<'static, str>> {
    broken_text(rules, text).next()
}

fn broken_text(rules: &Rules, text: &str) -> impl Iterator<Item = Cow<'static, str>> {
    let pattern = rules.pattern.as_ref().filter(|pattern| !pattern.matches(text)).map(must_match);
    let is_listed = rules.values.is_empty() || rules.values.iter().any(|value| value == text);
    let listed = (!is_listed).then_some(Cow::Borrowed(ENUM));
    let is_bounded = rules.min.is_some() || rules.max.is_some();
    // Java counts UTF-16 units.
    let length = if !is_bounded || text.is_ascii() { text.len() } else { text.encode_utf16().count() };
    pattern.into_iter().chain(out_of_bounds(rules, "length", length as f64)).chain(listed)
}

fn out_of_bounds(rules: &Rules, what: &'static str, found: f64) -> impl Iterator<Item = Cow<'static, str>> {
    let above = rules.max.filter(|max| found > *max).map(|max| must_be_between(what, "less", max));
    let below = rules.min.filter(|min| found < *min).map(|min| must_be_between(what, "greater", min));
    above.into_iter().chain(below)
}

#[cfg(test)]
mod tests;
