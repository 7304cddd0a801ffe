//! AWS: the only folder that names the SDK.
//!
//! ```text
//!   account      whose credentials, and one client per service and region   (session: what was loaded, to be loaded again)
//!   credentials  the SDK's chain, a profile, or keys of the configuration
//!   endpoints    where the environment says that AWS is
//!   connector    the one way out: TLS, proxies, keepalive
//!   error        what a failed call says, as a `CloudError`   (region: is it the region or the credentials?)
//!   examine      questions that change nothing
//!   cloud        AWS as exits see it: Invoke, generation, quota
//!   roles, functions, log_groups   what `deploy` and `destroy` read and write, with the permission of each call
//! ```
//!
//! Never: no type of the SDK leaves this folder, and no call is made without a bound in time.

mod account;
mod caller;
mod cloud;
mod connector;
mod credentials;
mod endpoints;
mod error;
mod examine;
pub mod functions;
mod generation;
pub mod log_groups;
mod quota;
mod region;
pub mod roles;
mod session;
#[cfg(test)]
mod tests;

pub use self::account::Account;
pub use self::caller::Caller;
pub use self::cloud::AwsCloud;
pub use self::examine::DeployedFunction;
