//! The grammars of the protocols: JSON, forms, XML and HTTP's own parts.

pub(crate) mod form;
pub(crate) mod json;
pub(crate) mod rest;
pub(crate) mod text;
pub(crate) mod xml;
