//! The tags that all we make in an account carries.

use std::collections::{BTreeMap, BTreeSet};

use super::owner::OwnerId;

/// Whose it is.
pub const OWNER: &str = "awslambdaproxy:owner";
/// Of which version a function is.
pub const VERSION: &str = "awslambdaproxy:version";
/// Stands before a region in the role's tags: functions of the role may be there. The role is one for all regions, so that it
/// tells where to look when the local state is lost.
const REGION: &str = "awslambdaproxy:region:";
/// Tags have values; this one says all that there is to say.
const IN_USE: &str = "in-use";

/// Tags as AWS keeps them.
pub(crate) type Tags = BTreeMap<String, String>;

/// The tags of everything.
pub(crate) fn of_owner(owner: &OwnerId) -> Tags {
    Tags::from([(OWNER.to_owned(), owner.to_string())])
}

/// The tags of a function.
pub(crate) fn of_function(owner: &OwnerId, version: &str) -> Tags {
    let mut tags = of_owner(owner);
    tags.insert(VERSION.to_owned(), version.to_owned());
    tags
}

/// The tags of the role.
pub(crate) fn of_role<'a>(owner: &OwnerId, regions: impl IntoIterator<Item = &'a String>) -> Tags {
    let mut tags = of_owner(owner);
    tags.extend(regions.into_iter().map(|region| (key_of(region), IN_USE.to_owned())));
    tags
}

/// The key of the tag that names a region.
pub(crate) fn key_of(region: &str) -> String {
    format!("{REGION}{region}")
}

/// The regions that a role's tags name.
pub(crate) fn regions(tags: &Tags) -> BTreeSet<String> {
    tags.keys().filter_map(|key| key.strip_prefix(REGION)).map(str::to_owned).collect()
}

/// What of `wished` is not there, or has another value.
pub(crate) fn missing(wished: &Tags, seen: &Tags) -> Tags {
    let lacks = |(key, value): &(&String, &String)| seen.get(*key) != Some(*value);
    wished.iter().filter(lacks).map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roles_tags_name_its_regions() {
        let owner = OwnerId::mint();
        let wanted = ["eu-west-1".to_owned(), "us-west-2".to_owned()];
        let mut tags = of_role(&owner, &wanted);
        assert_eq!(regions(&tags), BTreeSet::from(wanted));
        tags.insert("team".into(), "x".into());
        assert_eq!(regions(&tags).len(), 2);
        assert_eq!(missing(&of_owner(&owner), &tags), Tags::new());
        assert_eq!(missing(&of_owner(&OwnerId::mint()), &tags).len(), 1);
    }
}
