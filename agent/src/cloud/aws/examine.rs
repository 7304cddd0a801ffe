//! Questions about a function that change nothing.

use aws_sdk_lambda::types::{Architecture, InvocationType};

use super::account::Account;
use super::error::Call;
use super::region;
use crate::cloud::CloudError;
use crate::cloud::permissions::{INVOKE, functions};

/// A revision that no function ever has: a change under this condition is refused, once the caller is known to be permitted.
const NO_REVISION: &str = "00000000-0000-0000-0000-000000000000";

/// A function as it is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedFunction {
    /// Its memory, MB.
    pub memory_mb: u32,
    /// Its time limit, seconds.
    pub timeout_s: u32,
    /// Its processor, in AWS's word.
    pub architecture: String,
    /// Its state, in AWS's word.
    pub state: String,
}

impl Account {
    /// The function `name` of a region.
    pub async fn deployed(&self, region: &str, name: &str) -> Result<DeployedFunction, CloudError> {
        let call = Call::new(functions::GET, region);
        let session = self.session();
        let asking = session.of(region).lambda.get_function_configuration().function_name(name).send();
        let found = match Box::pin(asking).await {
            Ok(found) => found,
            Err(error) => return Err(Box::pin(region::told(self, &session, region, call.failed(error))).await),
        };
        let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).unwrap_or_default();
        // AWS leaves out what is the default.
        let architecture = found.architectures().first().unwrap_or(&Architecture::X8664);
        Ok(DeployedFunction {
            memory_mb: number(found.memory_size()),
            timeout_s: number(found.timeout()),
            architecture: architecture.as_str().to_owned(),
            state: found.state().map_or("Active", |state| state.as_str()).to_owned(),
        })
    }

    /// Whether the caller may invoke it. It does not run.
    pub async fn may_invoke(&self, region: &str, name: &str) -> Result<(), CloudError> {
        let call = Call::new(INVOKE, region);
        let request = self.lambda(region).invoke().function_name(name).invocation_type(InvocationType::DryRun);
        Box::pin(request.send()).await.map(drop).map_err(|error| call.failed(error))
    }

    /// Whether the caller may change its configuration, as a new generation needs it. It is not changed.
    pub async fn may_update(&self, region: &str, name: &str) -> Result<(), CloudError> {
        let call = Call::new(functions::UPDATE_CONFIGURATION, region);
        let request = self.lambda(region).update_function_configuration().function_name(name).revision_id(NO_REVISION);
        match Box::pin(request.send()).await {
            Ok(_) => Ok(()),
            Err(error) => match call.failed(error) {
                CloudError::Conflict(_) => Ok(()),
                other => Err(other),
            },
        }
    }
}
