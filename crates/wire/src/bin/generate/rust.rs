//! The text of generated modules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, ensure};
use wire::Model;
use wire::model::{ErrorTrait, Kind, Member, Operation, ShapeId, Structure};

use crate::contract::Types;
use crate::names;

/// The module that lists the services.
pub fn modules(services: &[&str]) -> String {
    let mut text = String::from(
        "//! The typed contract of every operation in `models/operations.toml`. Written by `cargo x api`; do not edit.\n\
         #![allow(missing_docs)]\n\n",
    );
    for service in services {
        writeln!(text, "pub mod {service};").expect("write to memory");
    }
    text
}

/// Writes one service's module.
pub struct Writer<'a> {
    model: &'a Model,
    types: &'a Types,
    out: String,
}

/// Writes a formatted piece; writing to memory cannot fail.
macro_rules! put {
    ($writer:expr, $($part:tt)*) => {
        writeln!($writer.out, $($part)*).expect("write to memory")
    };
}

impl<'a> Writer<'a> {
    pub fn new(model: &'a Model, types: &'a Types) -> Writer<'a> {
        Writer { model, types, out: String::new() }
    }

    pub fn text(self) -> String {
        self.out
    }

    pub fn head(&mut self) {
        put!(
            self,
            "//! `{}`, from `models/{}.json`. Written by `cargo x api`; do not edit.",
            self.model.service_id(),
            self.model.name()
        );
        put!(self, "\n#![allow(unused_imports)]\n");
        put!(
            self,
            "use std::collections::BTreeMap;\n\nuse aws::Fault;\nuse bytes::Bytes;\nuse wire::Value;\n"
        );
        put!(
            self,
            "use crate::shape::{{put, put_time, read, structure}};\nuse crate::{{Operation, Shape}};\n"
        );
        put!(self, "/// The model's name.\npub const MODEL: &str = {:?};\n", self.model.name());
    }

    pub fn operation(&mut self, operation: &Operation, action: &str) {
        let name = &operation.name;
        let service = self.model.name();
        put!(
            self,
            "/// The operation `{service}:{name}`.\n#[derive(Debug, Clone, Copy)]\npub struct {name};\n"
        );
        put!(self, "impl Operation for {name} {{");
        put!(self, "type Input = {name}Input;\ntype Output = {name}Output;");
        put!(self, "const SERVICE: &'static str = MODEL;\nconst NAME: &'static str = {name:?};");
        put!(self, "const ACTION: &'static str = \"{}:{action}\";\n}}\n", self.model.action_prefix());
    }

    /// The input or output of an operation: its structure, an alias of a shared one, or an empty one.
    pub fn end(&mut self, name: &str, shape: Option<ShapeId>) {
        let Some(shape) = shape else {
            self.structure(name, &Structure::default());
            return;
        };
        match &self.types.names[&shape] {
            own if own == name => self.structure(name, self.model.structure(shape)),
            shared => put!(self, "pub type {name} = {shared};\n"),
        }
    }

    pub fn structure(&mut self, name: &str, structure: &Structure) {
        put!(self, "#[derive(Debug, Clone, PartialEq, Default)]\npub struct {name} {{");
        for member in &structure.members {
            put!(self, "pub {}: {},", names::field(&member.name), self.member_type(structure, member));
        }
        put!(self, "}}\n\nimpl Shape for {name} {{");
        if structure.members.is_empty() {
            put!(self, "fn from_value(_: Value) -> Result<Self, Fault> {{ Ok(Self {{}}) }}\n");
            put!(self, "fn into_value(self) -> Value {{ structure(Vec::new()) }}\n}}\n");
            return;
        }
        put!(self, "fn from_value(mut value: Value) -> Result<Self, Fault> {{ Ok(Self {{");
        for member in &structure.members {
            put!(self, "{}: read(&mut value, {:?})?,", names::field(&member.name), member.name);
        }
        put!(self, "}}) }}\n\nfn into_value(self) -> Value {{ structure(vec![");
        for member in &structure.members {
            let is_time = matches!(self.model.shape(member.shape).kind, Kind::Timestamp(_));
            let put = if is_time { "put_time" } else { "put" };
            put!(self, "{put}({:?}, self.{}),", member.name, names::field(&member.name));
        }
        put!(self, "]) }}\n}}\n");
    }

    fn member_type(&self, structure: &Structure, member: &Member) -> String {
        let is_events = structure.events().is_some_and(|events| std::ptr::eq(events, member));
        let mut rust = match () {
            () if is_events => "wire::Events".to_owned(),
            () if member.streaming => "wire::Stream".to_owned(),
            () => self.rust_type(member.shape),
        };
        let owner = self.types.names.keys().find(|id| std::ptr::eq(self.model.structure(**id), structure));
        if owner.is_some_and(|owner| self.types.boxed.contains(&(*owner, member.name.clone()))) {
            rust = format!("Box<{rust}>");
        }
        if member.required { rust } else { format!("Option<{rust}>") }
    }

    fn rust_type(&self, shape: ShapeId) -> String {
        match &self.model.shape(shape).kind {
            Kind::Boolean => "bool".into(),
            Kind::Integer | Kind::Long => "i64".into(),
            Kind::Float | Kind::Timestamp(_) => "f64".into(),
            Kind::Text => "String".into(),
            Kind::Blob => "Bytes".into(),
            Kind::Document => "serde_json::Value".into(),
            Kind::List(items) => format!("Vec<{}>", self.rust_type(items.shape)),
            Kind::Map(entries) => format!("BTreeMap<String, {}>", self.rust_type(entries.value)),
            Kind::Structure(_) => self.types.names[&shape].clone(),
        }
    }

    /// The members of each enum, in the model's order.
    pub fn values(&mut self, enums: &BTreeMap<&str, &[String]>) {
        if enums.is_empty() {
            return;
        }
        put!(
            self,
            "\n/// The values of the enums, which are strings everywhere else: unknown ones survive.\npub mod values {{"
        );
        for (name, values) in enums {
            put!(self, "pub const {}: &[&str] = &{values:?};\n", names::snake(name).to_uppercase());
        }
        put!(self, "}}");
    }

    /// A constructor for each error of the service.
    pub fn faults(&mut self) -> Result<()> {
        put!(self, "/// The errors of the service.\npub mod fault {{\nuse aws::{{Fault, Member}};\n");
        let mut seen = BTreeSet::new();
        for shape in self.model.error_shapes() {
            let structure = shape.kind.structure().expect("an error is a structure");
            let error = structure.error.as_ref().expect("an error has its trait");
            let name = names::fault(&shape.name);
            ensure!(seen.insert(name.clone()), "{}: two errors are called {name}", self.model.name());
            self.fault(&name, &shape.name, structure, error);
        }
        put!(self, "}}");
        Ok(())
    }

    fn fault(&mut self, name: &str, shape: &str, structure: &Structure, error: &ErrorTrait) {
        // A service that speaks JSON and query has two codes; the shape's name stands for both.
        let code = match &error.code {
            Some(code) if !self.model.is_query_compatible() => code,
            _ => shape,
        };
        put!(self, "/// `{code}`, {}.", error.status);
        put!(self, "pub fn {name}(message: impl Into<String>) -> Fault {{");
        put!(self, "Fault::new({code:?}, {}, message)", error.status);
        if structure.member("Type").is_some() {
            let blame = if error.server { "Service" } else { "User" };
            put!(self, ".with(\"Type\", Member::Text({blame:?}.to_owned()))");
        }
        put!(self, "}}\n");
    }
}
