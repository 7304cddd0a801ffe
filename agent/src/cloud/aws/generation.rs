//! Raising the generation: one variable of the function's environment is changed, and the change waited for.
//!
//! Never: no other setting is touched, and no change of somebody else is overwritten (the revision is compared).

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput as Configuration;
use aws_sdk_lambda::types::{Environment, LastUpdateStatus};
use tokio::time::{sleep, timeout};

use super::error::Call;
use crate::cloud::generation::{GENERATION, next};
use crate::cloud::permissions::functions::{GET, UPDATE_CONFIGURATION};
use crate::cloud::{CloudError, Reply};

/// How long the whole may take: AWS publishes a changed environment within seconds, and rotation waits a minute for it.
const LIMIT: Duration = Duration::from_secs(55);
/// Between two looks at a change that is under way.
const PAUSE: Duration = Duration::from_secs(1);

/// Raises it, and returns the new one when invocations start with it.
pub(super) async fn raise(client: &Client, region: &str, function: &str) -> Result<u64, CloudError> {
    let function = Function { client, region, name: function };
    let raised = timeout(LIMIT, function.raise()).await;
    raised.unwrap_or_else(|_| Err(function.change().busy(&format!("not done within {} s", LIMIT.as_secs()))))
}

struct Function<'a> {
    client: &'a Client,
    region: &'a str,
    name: &'a str,
}

impl Function<'_> {
    async fn raise(&self) -> Result<u64, CloudError> {
        loop {
            let old = self.settled().await?;
            match self.set_next(old).await {
                // Somebody else changes it: what he makes of it counts.
                Err(CloudError::Conflict(reply)) => tracing::debug!(%reply, "the function is being changed"),
                Err(error) => return Err(error),
                Ok(generation) => {
                    self.settled().await?;
                    return Ok(generation);
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// The configuration when no change of it is under way: until then the old one serves.
    async fn settled(&self) -> Result<Configuration, CloudError> {
        loop {
            let call = Call::new(GET, self.region);
            let asked = self.client.get_function_configuration().function_name(self.name).send().await;
            let found = asked.map_err(|error| call.failed(error))?;
            match found.last_update_status() {
                Some(LastUpdateStatus::InProgress) => sleep(PAUSE).await,
                Some(LastUpdateStatus::Failed) => {
                    let reason = found.last_update_status_reason().unwrap_or("no reason given");
                    return Err(CloudError::Refused(self.reply("UpdateFailed", reason)));
                }
                _ => return Ok(found),
            }
        }
    }

    async fn set_next(&self, old: Configuration) -> Result<u64, CloudError> {
        let mut variables = self.variables(&old)?;
        let generation = next(variables.get(GENERATION).map(String::as_str));
        variables.insert(GENERATION.to_owned(), generation.to_string());
        let environment = Environment::builder().set_variables(Some(variables)).build();
        let request = self.client.update_function_configuration().function_name(self.name).environment(environment);
        let sent = request.set_revision_id(old.revision_id).send().await;
        sent.map(|_| generation).map_err(|error| self.change().failed(error))
    }

    /// The variables as they are. Unreadable ones must not be replaced by none.
    fn variables(&self, old: &Configuration) -> Result<HashMap<String, String>, CloudError> {
        let Some(environment) = old.environment() else { return Ok(HashMap::new()) };
        match environment.error() {
            Some(error) => {
                let text = error.message().unwrap_or("the environment cannot be read");
                Err(CloudError::Refused(self.reply(error.error_code().unwrap_or("EnvironmentError"), text)))
            }
            None => Ok(environment.variables().cloned().unwrap_or_default()),
        }
    }

    const fn change(&self) -> Call<'_> {
        Call::new(UPDATE_CONFIGURATION, self.region)
    }

    fn reply(&self, code: &str, text: &str) -> Reply {
        self.change().reply(code, text, None)
    }
}
