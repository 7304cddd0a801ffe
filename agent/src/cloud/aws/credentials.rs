//! With whose credentials AWS is asked: the SDK's whole chain, a profile, or keys of the configuration.
//!
//! Never: a key is shown, logged, or kept anywhere but here and in the SDK.

use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use secrecy::ExposeSecret;

use crate::config::AwsCredentials;

/// What the SDK shows as the source of keys of our configuration.
const SOURCE: &str = "awslambdaproxy config";

/// The region of calls that belong to none: that of the environment or the profile, else `near`.
pub(super) async fn home(credentials: &AwsCredentials, near: &str) -> Region {
    use aws_config::environment::EnvironmentVariableRegionProvider;
    let mut profile = ProfileFileRegionProvider::builder();
    if let AwsCredentials::Profile(name) = credentials {
        profile = profile.profile_name(name);
    }
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build());
    chain.region().await.unwrap_or_else(|| Region::new(near.to_owned()))
}

/// Tells the loader whose credentials to use. A named profile goes before keys of the environment, as with the AWS CLI.
pub(super) fn choose(loader: ConfigLoader, from: &AwsCredentials, home: &Region, http: SharedHttpClient) -> ConfigLoader {
    match from {
        AwsCredentials::Chain => loader,
        AwsCredentials::Profile(name) => {
            let config = ProviderConfig::without_region().with_http_client(http).with_region(Some(home.clone()));
            let provider = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build();
            loader.profile_name(name).credentials_provider(provider)
        }
        AwsCredentials::Keys { .. } => match keys(from) {
            Some(keys) => loader.credentials_provider(keys),
            None => loader,
        },
    }
}

fn keys(from: &AwsCredentials) -> Option<impl ProvideCredentials + 'static> {
    let AwsCredentials::Keys { access_key_id, secret_access_key, session_token } = from else { return None };
    let token = session_token.as_ref().map(|token| token.expose_secret().to_owned());
    Some(Credentials::new(access_key_id, secret_access_key.expose_secret(), token, None, SOURCE))
}
