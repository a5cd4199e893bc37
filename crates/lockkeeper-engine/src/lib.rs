//! Acts: connects, runs one step at a time, and records it. Decides nothing that core can decide.
