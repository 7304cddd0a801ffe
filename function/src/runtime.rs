//! The Lambda runtime around an instance: invocations in, answers out, logs to stderr.
//!
//! Never: the runtime crate logs below `warn`, since it would print invitations, which hold secrets.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tunnel::answer::Summary;
use tunnel::invitation::{BadInvitation, Invitation};

use crate::deadline::UnixMs;
use crate::instance::Instance;
use crate::marker;
use crate::settings::Settings;

/// Whether our own crates log at `debug` or another level than `info`.
pub const LOG_LEVEL: &str = "AWSLAMBDAPROXY_LOG";

/// Why an invocation fails as a whole. The tunnel's troubles are not among them: they are answers.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Invitation(#[from] BadInvitation),
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        let error_type = match &failure {
            Failure::Invitation(BadInvitation::Version(_)) => "UnknownProtocol",
            Failure::Invitation(_) => "BadInvitation",
        };
        Self { error_type: error_type.to_owned(), error_message: failure.to_string() }
    }
}

/// Serves invocations until the process is ended.
pub async fn run() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let instance = Arc::new(Instance::new(settings).context("TLS for the relay")?);
    tracing::info!(instance = %instance.nonce(), version = env!("CARGO_PKG_VERSION"), "function started");
    let handler = service_fn(|event: LambdaEvent<Value>| answer(instance.clone(), event));
    Runtime::new(handler).run().await.map_err(|error| anyhow::anyhow!("Runtime API: {error}"))
}

async fn answer(instance: Arc<Instance>, event: LambdaEvent<Value>) -> Result<Summary, Failure> {
    let (payload, context) = event.into_parts();
    let invitation = Invitation::parse(payload.to_string().as_bytes())?;
    Ok(instance.invoke(invitation, UnixMs(context.deadline)).await)
}

/// The whole program, for `bootstrap` and for the agent's local mode.
pub fn main() -> ExitCode {
    marker::keep();
    init_logs();
    match block_on_run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn block_on_run() -> anyhow::Result<()> {
    // An error means that the process has chosen a provider before.
    let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("tokio")?;
    let ended = runtime.block_on(run());
    // A lookup may block its thread for long, and nobody waits for it any more.
    runtime.shutdown_background();
    ended
}

fn init_logs() {
    let own = std::env::var(LOG_LEVEL).ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let targets = Targets::new().with_default(LevelFilter::WARN).with_target("function", own).with_target("tunnel", own);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).without_time();
    // An error means that the process logs already.
    let _set = tracing_subscriber::registry().with(targets).with(lines).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(payload: Value) -> LambdaEvent<Value> {
        LambdaEvent::new(payload, lambda_runtime::Context::default())
    }

    #[tokio::test]
    async fn what_is_no_invitation_is_a_function_error_with_its_type() {
        let instance = Arc::new(Instance::new(Settings::default()).expect("TLS"));
        for (payload, error_type) in [(serde_json::json!({"version": 99}), "UnknownProtocol"), (Value::Null, "BadInvitation")] {
            let failure = answer(instance.clone(), event(payload)).await.expect_err("no invitation");
            assert_eq!(Diagnostic::from(failure).error_type, error_type);
        }
    }
}
