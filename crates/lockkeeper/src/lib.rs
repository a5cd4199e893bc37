//! The faces of Lockkeeper: settings in, one command run, everything that is printed.

pub mod settings;
