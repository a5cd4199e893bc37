//! Decides. The nouns, the parser, the effects, the plan, the gates and the health of a release.
//!
//! Nothing in here reads a file, a clock, a socket or the environment, and nothing prints: the same
//! input always gives the same answer, so every decision can be tested and explained afterwards.

pub mod model;
pub mod parse;
pub mod classify;
pub mod plan;
pub mod release;
pub mod sample;
pub mod health;
