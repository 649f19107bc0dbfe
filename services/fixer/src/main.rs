//! The fixer as a process of its own.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    fixer::process::run(std::env::args_os().skip(1)).await
}
