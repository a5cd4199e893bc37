//! The faces: command line, settings, printer.

pub mod settings;
