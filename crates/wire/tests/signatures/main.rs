//! What AWS's own SDK signs is verified, and no part of it can be changed.

mod heads;
mod sdk;
mod streams;
