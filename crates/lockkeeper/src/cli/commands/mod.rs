//! One command, one file: its arguments, its help, its function.

pub mod init;
pub mod new;
pub mod lint;
pub mod facts;
pub mod docs;
pub mod plan;
pub mod verify;
pub mod stage1;
pub mod status;
pub mod deployed;
pub mod approve;
pub mod stage2;
pub mod rollback;
pub mod emergency;
pub mod release;
pub mod backup;
pub mod checklist;
pub mod health;
pub mod notify;
pub mod log;
pub mod demo;
mod stage;
