//! How many invocations a region allows at a time, where the caller may ask. New accounts have 10.
//!
//! Never: nothing depends on the answer; without it a throttle tells.

use aws_sdk_lambda::Client;

use super::error::Call;
use crate::cloud::permissions::GET_ACCOUNT_SETTINGS;

/// What the account may run there at a time, beside what is reserved for other functions.
pub(super) async fn concurrency(client: &Client, region: &str) -> Option<u32> {
    let call = Call::new(GET_ACCOUNT_SETTINGS, region);
    let found = client.get_account_settings().send().await.map_err(|error| call.failed(error));
    match found {
        Ok(settings) => {
            let limit = settings.account_limit()?;
            let unreserved = limit.unreserved_concurrent_executions().unwrap_or(limit.concurrent_executions());
            u32::try_from(unreserved).ok()
        }
        Err(error) => {
            tracing::debug!(region, %error, "how much may run at a time stays unknown");
            None
        }
    }
}
