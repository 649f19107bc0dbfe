//! The `fixpoint` command.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    fixpoint::main(std::env::args_os().collect()).await
}
