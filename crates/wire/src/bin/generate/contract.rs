//! Which types one service's module has and what they are called.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use wire::Model;
use wire::model::{Kind, Operation, ShapeId, Structure};

use crate::names;
use crate::rust::Writer;

/// The text of one service's module.
pub fn module(model: &Model, listed: &[String], actions: &BTreeMap<String, String>) -> Result<String> {
    let mut operations: Vec<&Operation> = listed.iter().filter_map(|name| model.operation(name)).collect();
    operations.sort_by(|a, b| a.name.cmp(&b.name));
    let types = Types::new(model, &operations)?;
    let mut writer = Writer::new(model, &types);
    writer.head();
    for operation in &operations {
        let action = actions.get(&operation.name).unwrap_or(&operation.name);
        writer.operation(operation, action);
    }
    for operation in &operations {
        for (suffix, shape) in [("Input", operation.input), ("Output", operation.output)] {
            writer.end(&format!("{}{suffix}", operation.name), shape);
        }
    }
    let ends: BTreeSet<ShapeId> = operations.iter().flat_map(|op| [op.input, op.output]).flatten().collect();
    for (shape, name) in &types.names {
        let is_end = ends.contains(shape) && (name.ends_with("Input") || name.ends_with("Output"));
        if !is_end {
            writer.structure(name, model.structure(*shape));
        }
    }
    writer.faults()?;
    writer.values(&enums(model, &types));
    Ok(writer.text())
}

/// The enums that the module's structures hold, by name.
fn enums<'m>(model: &'m Model, types: &Types) -> BTreeMap<&'m str, &'m [String]> {
    let mut enums = BTreeMap::new();
    let mut pending: Vec<ShapeId> = types.names.keys().copied().collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = pending.pop() {
        if !seen.insert(id) {
            continue;
        }
        let shape = model.shape(id);
        match &shape.kind {
            Kind::Text if !shape.rules.values.is_empty() => {
                enums.insert(shape.name.as_str(), shape.rules.values.as_slice());
            }
            Kind::List(items) => pending.push(items.shape),
            Kind::Map(entries) => pending.extend([entries.key, entries.value]),
            Kind::Structure(structure) => pending.extend(structure.members.iter().map(|member| member.shape)),
            _ => {}
        }
    }
    enums
}

/// The structures that the module needs, with their names in Rust.
pub struct Types {
    pub names: BTreeMap<ShapeId, String>,
    /// Members that hold their own structure without a list or map between, and so need a `Box`.
    pub boxed: BTreeSet<(ShapeId, String)>,
}

impl Types {
    fn new(model: &Model, operations: &[&Operation]) -> Result<Types> {
        let mut types = Types { names: BTreeMap::new(), boxed: BTreeSet::new() };
        for operation in operations {
            for (suffix, shape) in [("Input", operation.input), ("Output", operation.output)] {
                let Some(shape) = shape else { continue };
                types.collect(model, shape);
                if uses(model, shape) == 1 {
                    types.names.insert(shape, format!("{}{suffix}", operation.name));
                }
            }
        }
        let mut seen: BTreeSet<&str> = operations.iter().map(|operation| operation.name.as_str()).collect();
        for name in types.names.values() {
            ensure!(seen.insert(name), "{}: two types are called {name}", model.name());
        }
        for shape in types.names.keys() {
            for member in &model.structure(*shape).members {
                if reaches(model, member.shape, *shape, &mut BTreeSet::new()) {
                    types.boxed.insert((*shape, member.name.clone()));
                }
            }
        }
        Ok(types)
    }

    fn collect(&mut self, model: &Model, shape: ShapeId) {
        match &model.shape(shape).kind {
            Kind::List(items) => self.collect(model, items.shape),
            Kind::Map(entries) => self.collect(model, entries.value),
            Kind::Structure(structure) => {
                let name = names::type_name(&model.shape(shape).name);
                if self.names.insert(shape, name).is_none() {
                    structure.members.iter().for_each(|member| self.collect(model, member.shape));
                }
            }
            _ => {}
        }
    }
}

/// How often the whole model uses a shape: so a name does not depend on what else is listed.
fn uses(model: &Model, shape: ShapeId) -> usize {
    let ends = model.operations().iter().flat_map(|operation| [operation.input, operation.output]);
    let inside = model.shapes().iter().flat_map(|shape| match &shape.kind {
        Kind::List(items) => vec![items.shape],
        Kind::Map(entries) => vec![entries.value],
        Kind::Structure(Structure { members, .. }) => members.iter().map(|member| member.shape).collect(),
        _ => Vec::new(),
    });
    ends.flatten().chain(inside).filter(|used| *used == shape).count()
}

/// True when a value of `from` holds a `target` in line.
fn reaches(model: &Model, from: ShapeId, target: ShapeId, seen: &mut BTreeSet<ShapeId>) -> bool {
    if from == target {
        return true;
    }
    let Some(structure) = model.shape(from).kind.structure() else { return false };
    seen.insert(from) && structure.members.iter().any(|member| reaches(model, member.shape, target, seen))
}
