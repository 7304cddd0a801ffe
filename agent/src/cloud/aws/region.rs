//! Tells a region that is not enabled from credentials that are wrong everywhere: AWS answers both with "the security token
//! included in the request is invalid".

use std::sync::Arc;

use super::account::Account;
use super::session::{Regional, Session};
use crate::cloud::CloudError;

/// Codes that both cases share.
const AMBIGUOUS: [&str; 3] = ["UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure"];

impl Account {
    /// Makes calls in one region.
    pub(super) async fn within<T>(
        &self,
        region: &str,
        calls: impl AsyncFnOnce(Regional) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let session = self.session();
        // The SDK's futures are large.
        match Box::pin(calls(session.of(region))).await {
            Ok(done) => Ok(done),
            Err(error) => Err(told(self, &session, region, error).await),
        }
    }
}

/// The same error with what it really means; and where credentials did not serve, they are read anew for the next call.
pub(super) async fn told(account: &Account, session: &Arc<Session>, region: &str, error: CloudError) -> CloudError {
    let CloudError::Credentials(reply) = error else { return error };
    if AMBIGUOUS.contains(&reply.code.as_str()) && Box::pin(are_valid_elsewhere(session, region)).await {
        return CloudError::RegionDisabled { region: region.to_owned(), reply };
    }
    Box::pin(account.reload(session)).await;
    CloudError::Credentials(reply)
}

/// Whether the same credentials are accepted in a region that every account of the partition has.
async fn are_valid_elsewhere(session: &Session, region: &str) -> bool {
    let elsewhere = always_enabled(region);
    elsewhere != region && session.of(elsewhere).sts.get_caller_identity().send().await.is_ok()
}

/// A region of the same partition that no account has to enable.
pub(super) fn always_enabled(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "cn-north-1",
        _ if region.starts_with("us-gov-") => "us-gov-west-1",
        _ => "us-east-1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_a_region_that_needs_no_enabling() {
        for (region, elsewhere) in [
            ("me-south-1", "us-east-1"),
            ("us-gov-east-1", "us-gov-west-1"),
            ("cn-northwest-1", "cn-north-1"),
            ("us-east-1", "us-east-1"),
        ] {
            assert_eq!(always_enabled(region), elsewhere);
        }
    }
}
