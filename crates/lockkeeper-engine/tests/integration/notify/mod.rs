//! Alerts on their way: what is put down, and what arrives at receivers that behave like the real ones.

mod outbox;
