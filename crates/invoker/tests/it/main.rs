//! Whole calls through the invoker: over the simulated sandbox in virtual time, and over real sockets and processes.

mod attacks;
mod crowds;
mod endings;
mod environments;
mod processes;
mod stage;
