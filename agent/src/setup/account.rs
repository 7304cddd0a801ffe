//! Are the chosen regions there for this account?

use crate::cloud::CloudError;
use crate::cloud::aws::Account;

/// Regions asked at a time.
const AT_ONCE: usize = 16;

/// A region that cannot be used, and why.
#[derive(Debug)]
pub struct RegionTrouble {
    /// The region.
    pub region: String,
    /// What AWS said.
    pub error: CloudError,
}

/// Asks each region whether it takes these credentials; returns those that do not.
pub async fn disabled_regions(account: &Account, regions: &[String]) -> Vec<RegionTrouble> {
    let mut found = Vec::new();
    for some in regions.chunks(AT_ONCE) {
        let asked = some.iter().map(|region| async move {
            let error = account.caller_in(region).await.err()?;
            Some(RegionTrouble { region: region.clone(), error })
        });
        found.extend(futures_util::future::join_all(asked).await.into_iter().flatten());
    }
    found
}
