//! The planner as a process of its own.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    planner::process::run().await
}
