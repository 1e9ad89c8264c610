//! Reads ConnectWise PSA.

/// Runs until Lambda ends the process.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    functions::bootstrap::run_vendor(&apis::vendors::CONNECTWISE).await
}
