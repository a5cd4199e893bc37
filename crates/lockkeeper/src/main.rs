//! The program: arguments in, exit code out.

/// The linter makes a million small nodes and frees them again; this is where a third of its time went.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    lockkeeper::cli::run(std::env::args_os())
}
