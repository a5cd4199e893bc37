//! Acts. Everything that touches a server, a clock or the network; decisions come from core.

pub mod postgres;
pub mod seams;
