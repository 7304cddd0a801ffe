//! Functions in Lambda's control plane: read, create, change, delete.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Builder as Overrides;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput as Found;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, Environment, EnvironmentResponse, FunctionCode, LastUpdateStatus, Runtime, State, VpcConfig, VpcConfigResponse,
};
use bytes::Bytes;

use super::account::Account;
use super::error::Call;
use super::session::CONNECT_TIMEOUT;
use crate::cloud::CloudError;
use crate::cloud::permissions::functions::{CREATE, DELETE, GET, LIST_TAGS, TAG, UPDATE_CODE, UPDATE_CONFIGURATION};

/// How long one attempt of an upload may take: twenty regions at once over a slow uplink.
const UPLOAD_ATTEMPT: Duration = Duration::from_secs(100);
/// How long an upload may take with all its attempts.
const UPLOAD: Duration = Duration::from_secs(300);

/// A function as Lambda tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its full name.
    pub arn: String,
    /// SHA-256 of its zip, in base64.
    pub code_sha256: String,
    /// Its processor, in Lambda's word.
    pub architecture: String,
    /// What one call changes.
    pub settings: FunctionSettings,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether a change of it is under way.
    pub progress: Progress,
}

/// A function's configuration, as far as it concerns us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionSettings {
    /// The runtime.
    pub runtime: String,
    /// What the runtime starts.
    pub handler: String,
    /// The role's full name.
    pub role: String,
    /// A text for people.
    pub description: String,
    /// Memory, MB.
    pub memory_mb: u32,
    /// Time limit, seconds.
    pub timeout_s: u32,
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// Subnets of a VPC.
    pub subnets: Vec<String>,
    /// Layers.
    pub layers: Vec<String>,
}

/// How far the last change of a function is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It serves as its configuration says.
    Settled,
    /// A change is under way; until it is done the old one serves, and no other is taken.
    Changing,
    /// The last change failed, for this reason.
    Failed(String),
}

/// What a new function is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFunction {
    /// Its zip.
    pub zip: Bytes,
    /// Its processor, in Lambda's word.
    pub architecture: String,
    /// Its configuration.
    pub settings: FunctionSettings,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Account {
    /// A function with its tags; `None` where there is none of that name.
    pub async fn function(&self, region: &str, name: &str) -> Result<Option<Function>, CloudError> {
        self.functions(region, name, async |calls| calls.read().await).await
    }

    /// Makes a function.
    pub async fn create_function(&self, region: &str, name: &str, new: NewFunction) -> Result<(), CloudError> {
        self.functions(region, name, async |calls| calls.create(new).await).await
    }

    /// Replaces a function's code.
    pub async fn update_code(&self, region: &str, name: &str, zip: Bytes, architecture: &str) -> Result<(), CloudError> {
        self.functions(region, name, async |calls| calls.update_code(zip, architecture).await).await
    }

    /// Gives a function all of these settings; subnets and layers only in as far as it is to lose them.
    pub async fn configure(&self, region: &str, name: &str, settings: FunctionSettings) -> Result<(), CloudError> {
        self.functions(region, name, async |calls| calls.configure(settings).await).await
    }

    /// Sets tags of a function; others stay.
    pub async fn tag_function(&self, region: &str, arn: &str, tags: BTreeMap<String, String>) -> Result<(), CloudError> {
        self.functions(region, arn, async |calls| calls.tag(tags).await).await
    }

    /// Removes a function.
    pub async fn delete_function(&self, region: &str, name: &str) -> Result<(), CloudError> {
        self.functions(region, name, async |calls| calls.delete().await).await
    }

    async fn functions<T>(
        &self,
        region: &str,
        name: &str,
        calls: impl AsyncFnOnce(Calls<'_>) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        self.within(region, async |clients| calls(Calls { client: clients.lambda, region, name }).await).await
    }
}

/// The calls about one function in one region.
struct Calls<'a> {
    client: Client,
    region: &'a str,
    name: &'a str,
}

impl Calls<'_> {
    async fn read(&self) -> Result<Option<Function>, CloudError> {
        let call = Call::new(GET, self.region);
        let asked = self.client.get_function_configuration().function_name(self.name).send().await;
        let found = match asked.map_err(|error| call.failed(error)) {
            Ok(found) => found,
            Err(CloudError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let arn = found.function_arn().ok_or_else(|| call.strange("it names no function"))?.to_owned();
        let Some(tags) = self.tags(&arn).await? else { return Ok(None) };
        Ok(Some(Function {
            code_sha256: found.code_sha256().unwrap_or_default().to_owned(),
            architecture: found.architectures().first().unwrap_or(&Architecture::X8664).as_str().to_owned(),
            settings: settings(&found).map_err(|(code, text)| CloudError::Refused(call.reply(&code, &text, None)))?,
            progress: progress(&found),
            tags,
            arn,
        }))
    }

    /// The tags; `None` where the function has just gone.
    async fn tags(&self, arn: &str) -> Result<Option<BTreeMap<String, String>>, CloudError> {
        let call = Call::new(LIST_TAGS, self.region);
        match self.client.list_tags().resource(arn).send().await.map_err(|error| call.failed(error)) {
            Ok(listed) => Ok(Some(listed.tags.unwrap_or_default().into_iter().collect())),
            Err(CloudError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, new: NewFunction) -> Result<(), CloudError> {
        let NewFunction { zip, architecture, settings, tags } = new;
        let code = FunctionCode::builder().zip_file(Blob::new(zip)).build();
        let request = self.client.create_function().function_name(self.name).code(code);
        let request = request.architectures(Architecture::from(architecture.as_str())).set_tags(Some(tags.into_iter().collect()));
        let request = request.runtime(Runtime::from(settings.runtime.as_str())).handler(settings.handler).role(settings.role);
        let request = request.description(settings.description).environment(environment(settings.variables));
        let request = request.memory_size(number(settings.memory_mb)).timeout(number(settings.timeout_s));
        let sent = request.customize().config_override(patient()).send().await;
        sent.map(drop).map_err(|error| Call::new(CREATE, self.region).failed(error))
    }

    async fn update_code(&self, zip: Bytes, architecture: &str) -> Result<(), CloudError> {
        let request = self.client.update_function_code().function_name(self.name).zip_file(Blob::new(zip));
        let request = request.architectures(Architecture::from(architecture));
        let sent = request.customize().config_override(patient()).send().await;
        sent.map(drop).map_err(|error| Call::new(UPDATE_CODE, self.region).failed(error))
    }

    async fn configure(&self, settings: FunctionSettings) -> Result<(), CloudError> {
        let request = self.client.update_function_configuration().function_name(self.name);
        let request = request.runtime(Runtime::from(settings.runtime.as_str())).handler(settings.handler).role(settings.role);
        let request = request.description(settings.description).environment(environment(settings.variables));
        let request = request.memory_size(number(settings.memory_mb)).timeout(number(settings.timeout_s));
        let vpc = VpcConfig::builder().set_subnet_ids(Some(settings.subnets)).set_security_group_ids(Some(Vec::new())).build();
        let sent = request.vpc_config(vpc).set_layers(Some(settings.layers)).send().await;
        sent.map(drop).map_err(|error| Call::new(UPDATE_CONFIGURATION, self.region).failed(error))
    }

    async fn tag(&self, tags: BTreeMap<String, String>) -> Result<(), CloudError> {
        let sent = self.client.tag_resource().resource(self.name).set_tags(Some(tags.into_iter().collect())).send().await;
        sent.map(drop).map_err(|error| Call::new(TAG, self.region).failed(error))
    }

    async fn delete(&self) -> Result<(), CloudError> {
        let sent = self.client.delete_function().function_name(self.name).send().await;
        sent.map(drop).map_err(|error| Call::new(DELETE, self.region).failed(error))
    }
}

/// More time than other calls have.
fn patient() -> Overrides {
    let time_outs = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(UPLOAD_ATTEMPT)
        .operation_timeout(UPLOAD)
        .build();
    Overrides::default().timeout_config(time_outs)
}

fn environment(variables: BTreeMap<String, String>) -> Environment {
    Environment::builder().set_variables(Some(variables.into_iter().collect())).build()
}

/// Lambda counts in signed numbers.
fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn count(value: Option<i32>) -> u32 {
    value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
}

fn settings(found: &Found) -> Result<FunctionSettings, (String, String)> {
    Ok(FunctionSettings {
        runtime: found.runtime().map(Runtime::as_str).unwrap_or_default().to_owned(),
        handler: found.handler().unwrap_or_default().to_owned(),
        role: found.role().unwrap_or_default().to_owned(),
        description: found.description().unwrap_or_default().to_owned(),
        memory_mb: count(found.memory_size()),
        timeout_s: count(found.timeout()),
        variables: variables(found.environment())?,
        subnets: found.vpc_config().map(VpcConfigResponse::subnet_ids).unwrap_or_default().to_vec(),
        layers: found.layers().iter().filter_map(|layer| layer.arn().map(str::to_owned)).collect(),
    })
}

/// Variables that Lambda cannot decrypt must not be taken for none: the generation is among them.
fn variables(environment: Option<&EnvironmentResponse>) -> Result<BTreeMap<String, String>, (String, String)> {
    let Some(environment) = environment else { return Ok(BTreeMap::new()) };
    match environment.error() {
        Some(error) => Err((
            error.error_code().unwrap_or("EnvironmentError").to_owned(),
            error.message().unwrap_or("the environment cannot be read").to_owned(),
        )),
        None => Ok(environment.variables().cloned().unwrap_or_else(HashMap::new).into_iter().collect()),
    }
}

fn progress(found: &Found) -> Progress {
    let failed = |reason: Option<&str>| Progress::Failed(reason.unwrap_or("no reason given").to_owned());
    match (found.state(), found.last_update_status()) {
        (Some(State::Pending | State::Deleting | State::Deactivating), _) | (_, Some(LastUpdateStatus::InProgress)) => {
            Progress::Changing
        }
        (Some(State::Failed), _) => failed(found.state_reason()),
        (_, Some(LastUpdateStatus::Failed)) => failed(found.last_update_status_reason()),
        _ => Progress::Settled,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::types::EnvironmentError;

    use super::*;

    #[test]
    fn a_change_under_way_is_waited_for_before_anything_else_counts() {
        let found = |state, status| Found::builder().state(state).last_update_status(status).build();
        assert_eq!(progress(&found(State::Pending, LastUpdateStatus::Successful)), Progress::Changing);
        assert_eq!(progress(&found(State::Active, LastUpdateStatus::InProgress)), Progress::Changing);
        assert_eq!(progress(&found(State::Inactive, LastUpdateStatus::Successful)), Progress::Settled);
        assert!(matches!(progress(&found(State::Active, LastUpdateStatus::Failed)), Progress::Failed(_)));
        assert!(matches!(progress(&found(State::Failed, LastUpdateStatus::Successful)), Progress::Failed(_)));
        assert_eq!(progress(&Found::builder().build()), Progress::Settled);
    }

    #[test]
    fn variables_that_cannot_be_read_are_an_error() {
        let error = EnvironmentError::builder().error_code("KMSAccessDeniedException").build();
        let unreadable = EnvironmentResponse::builder().error(error).build();
        assert_eq!(variables(Some(&unreadable)).expect_err("unreadable").0, "KMSAccessDeniedException");
        let known = EnvironmentResponse::builder().variables("a", "b").build();
        assert_eq!(variables(Some(&known)).expect("variables")["a"], "b");
    }
}
