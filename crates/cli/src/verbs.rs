//! The verbs, a file each.

pub mod completions;
pub mod config;
pub mod deploy;
pub mod doctor;
pub mod down;
pub mod env;
pub mod exec;
pub mod help;
pub mod init;
pub mod invoke;
pub mod logs;
pub mod ls;
pub mod rm;
pub mod runtime;
pub mod status;
pub mod up;
