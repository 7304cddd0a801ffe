//! Where the SDK will look for each service, as the environment and AWS's own files say it. A text that is no URL would end
//! the program inside the SDK, so each is looked at before a client is made of it.
//!
//! Never: the text itself is shown, since it may hold a password.

use aws_config::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use http::Uri;

use crate::cloud::CloudError;

/// The services that are called: ours, and those from which the SDK gets credentials. The names are the SDK's.
const SERVICES: [&str; 7] = ["Lambda", "IAM", "STS", "CloudWatch Logs", "SSO", "SSO OIDC", "Signin"];
/// Says it for all services; with a service's name behind it, for that one.
const VARIABLE: &str = "AWS_ENDPOINT_URL";
/// The same in a profile, or in a section of `services`.
const KEY: &str = "endpoint_url";

/// Whether the SDK can use what it is told.
pub(super) fn check(sdk: &SdkConfig) -> Result<(), CloudError> {
    let Some(told) = sdk.service_config() else { return Ok(()) };
    SERVICES.into_iter().try_for_each(|service| match url_of(told, service) {
        Some(url) => judge(&url).map_err(|reason| CloudError::Setting { name: who_told(service), reason: reason.to_owned() }),
        None => Ok(()),
    })
}

/// As the SDK itself finds it.
fn url_of(told: &dyn LoadServiceConfig, service: &str) -> Option<String> {
    told.load_config(ServiceConfigKey::builder().service_id(service).env(VARIABLE).profile(KEY).build().ok()?)
}

fn judge(url: &str) -> Result<(), &'static str> {
    if url.is_empty() {
        return Err("it is empty, and an empty one is not taken for none");
    }
    let uri: Uri = url.parse().map_err(|_| "it is no URL")?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    if is_web && has_host { Ok(()) } else { Err("it is no http or https URL with a host") }
}

/// The environment goes before the profile, and what names the service before what does not.
fn who_told(service: &str) -> String {
    let own = format!("{VARIABLE}_{}", service.to_uppercase().replace(' ', "_"));
    let is_set = |name: &&str| std::env::var_os(name).is_some();
    match [own.as_str(), VARIABLE].into_iter().find(is_set) {
        Some(variable) => variable.to_owned(),
        None => format!("{KEY} for {} in the profile of AWS's configuration files", service.to_lowercase().replace(' ', "-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_sdk_can_call_passes() {
        for url in ["http://127.0.0.1:4566", "https://vpce-1.lambda.eu-west-1.vpce.amazonaws.com", "http://[::1]:1/path"] {
            assert_eq!(judge(url), Ok(()), "{url}");
        }
        for url in ["", " ", "nonsense", "127.0.0.1:4566", "http://", "http://[", "ftp://example.com", "https:///path", "/path"] {
            assert!(judge(url).is_err(), "{url}");
        }
    }
}
