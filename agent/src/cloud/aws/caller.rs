//! Whose credentials these are.

/// The identity behind the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account's number.
    pub account: String,
    /// The user or role, as AWS names it.
    pub arn: String,
}

impl Caller {
    pub(super) fn new(account: Option<&str>, arn: Option<&str>) -> Option<Self> {
        Some(Self { account: account?.to_owned(), arn: arn?.to_owned() })
    }

    /// The partition of AWS in which the account is: `aws`, `aws-cn`, `aws-us-gov` …
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).filter(|partition| !partition.is_empty()).unwrap_or("aws")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_stands_in_the_name() {
        let of = |arn: &str| Caller::new(Some("123456789012"), Some(arn)).expect("caller").partition().to_owned();
        assert_eq!(of("arn:aws-us-gov:sts::123456789012:assumed-role/x/y"), "aws-us-gov");
        assert_eq!(of("arn:aws:iam::123456789012:user/x"), "aws");
        assert_eq!(of("x"), "aws");
        assert_eq!(Caller::new(None, Some("arn")), None);
    }
}
