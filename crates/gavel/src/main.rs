//! The `gavel` binary; see [`gavel::cli`].

fn main() -> std::process::ExitCode {
    gavel::cli::main()
}
