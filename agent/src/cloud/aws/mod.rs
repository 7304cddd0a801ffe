//! AWS: the only folder that names the SDK.
//!
//! ```text
//!   account      whose credentials, and one client per service and region   (session: what was loaded, to be loaded again)
//!   credentials  the SDK's chain, a profile, or keys of the configuration
//!   connector    the one way out: TLS, proxies, keepalive
//!   error        what a failed call says, as a `CloudError`   (region: is it the region or the credentials?)
//!   cloud        AWS as exits see it: Invoke, generation, quota
//! ```
//!
//! Never: no type of the SDK leaves this folder, and no call is made without a bound in time.

#[allow(dead_code, reason = "not every service is called yet")]
mod account;
mod caller;
mod cloud;
mod connector;
mod credentials;
mod error;
mod generation;
mod quota;
mod region;
#[allow(dead_code, reason = "not every service is called yet")]
mod session;
#[cfg(test)]
mod tests;

pub use self::account::Account;
pub use self::caller::Caller;
pub use self::cloud::AwsCloud;
