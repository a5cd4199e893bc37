//! Real ring.

mod readme;
