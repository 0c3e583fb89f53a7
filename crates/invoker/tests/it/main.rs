//! Whole calls through the invoker: over the simulated sandbox in virtual time, and over real sockets and processes.

// All of this is test code; clippy only knows the functions marked as tests.
#![allow(clippy::unwrap_used)]

mod attacks;
mod crowds;
mod endings;
mod environments;
mod fury;
mod json;
mod processes;
mod stage;
