//! What a configuration may have deployed under its names and earlier ones, and what of it other configurations of this desktop
//! need. Pure.
//!
//! Never: what another configuration is deployed with is removed with this one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::state::{Deployment, Known};
use crate::config::AwsConfig;

/// Names under which something may stand in one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// Where the functions of each name may be.
    pub(super) functions: BTreeMap<String, Places>,
    /// The roles, each with who needs it besides, if somebody does.
    pub(super) roles: BTreeMap<String, Option<Need>>,
    /// Where nothing but what other configurations have is known: a role that they share names these regions too.
    pub(super) elsewhere: BTreeSet<String>,
}

/// What other configurations need a role for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// One of them.
    pub(super) config: PathBuf,
    /// Where functions of any of them may be.
    pub(super) regions: BTreeSet<String>,
}

/// Where functions of one name may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Where the local state says that they are.
    pub(super) known: BTreeSet<String>,
    /// Where they may be besides.
    pub(super) likely: BTreeSet<String>,
    /// Where another configuration has them, and which.
    pub(super) kept: BTreeMap<String, PathBuf>,
}

impl Targets {
    /// The names of a configuration for `regions`, and those under which it was deployed before.
    pub fn new(config: &AwsConfig, regions: &[String], account: &str, known: &Known) -> Self {
        let here = |of: &[Deployment]| of.iter().filter(|it| it.account == account).cloned().collect::<Vec<_>>();
        let (own, others) = (here(&known.own), here(&known.others));
        let mut functions = BTreeMap::<String, Places>::new();
        functions.entry(config.function_name.clone()).or_default().likely.extend(regions.iter().cloned());
        for deployment in &own {
            functions.entry(deployment.function.clone()).or_default().known.extend(deployment.regions.iter().cloned());
        }
        for (name, places) in &mut functions {
            let theirs = others.iter().filter(|it| it.function == *name);
            places.kept = theirs.flat_map(|it| it.regions.iter().map(|region| (region.clone(), it.config.clone()))).collect();
        }
        let known: BTreeSet<&String> = regions.iter().chain(own.iter().flat_map(|it| &it.regions)).collect();
        let theirs = others.iter().flat_map(|it| &it.regions);
        let elsewhere = theirs.filter(|region| !known.contains(region)).cloned().collect();
        let names: BTreeSet<&String> = std::iter::once(&config.role_name).chain(own.iter().map(|it| &it.role)).collect();
        let roles = names.into_iter().map(|role| (role.clone(), Need::of(role, &others))).collect();
        Self { functions, roles, elsewhere }
    }
}

impl Need {
    /// What these deployments need a role for.
    fn of(role: &str, others: &[Deployment]) -> Option<Self> {
        let theirs = || others.iter().filter(|it| it.role == role && !it.regions.is_empty());
        let config = theirs().next()?.config.clone();
        Some(Self { config, regions: theirs().flat_map(|it| &it.regions).cloned().collect() })
    }
}

impl Places {
    /// The regions to look in, where a role names these too, and whether anything says that something was made there.
    pub(super) fn to_look_in(&self, named: &BTreeSet<String>) -> BTreeMap<String, bool> {
        let said = self.known.union(named);
        let mut regions: BTreeMap<String, bool> = self.likely.iter().map(|region| (region.clone(), false)).collect();
        regions.extend(said.map(|region| (region.clone(), true)));
        regions.retain(|region, _| !self.kept.contains_key(region));
        regions
    }

    /// The regions of this configuration in which another has them, and which.
    pub(super) fn shared(&self) -> impl Iterator<Item = (&String, &PathBuf)> {
        self.kept.iter().filter(|(region, _)| self.known.contains(*region) || self.likely.contains(*region))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Architecture, AwsCredentials};

    fn config() -> AwsConfig {
        AwsConfig {
            credentials: AwsCredentials::Chain,
            function_name: "new".into(),
            role_name: "role".into(),
            memory_mb: 128,
            architecture: Architecture::Arm64,
            timeout: Duration::from_secs(900),
            logs: false,
        }
    }

    fn deployment(config: &str, account: &str, function: &str, region: &str) -> Deployment {
        Deployment {
            config: config.into(),
            account: account.into(),
            role: "role".into(),
            function: function.into(),
            regions: BTreeSet::from([region.to_owned()]),
            logs: false,
        }
    }

    fn regions(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn names_of_before_are_looked_for_too_but_not_in_another_account() {
        let own = [
            deployment("/a", "1", "new", "eu-west-1"),
            deployment("/a", "1", "old", "eu-west-2"),
            deployment("/a", "2", "other", "eu-west-3"),
        ];
        let targets = Targets::new(&config(), &["us-west-2".to_owned()], "1", &Known { own: own.into(), others: Vec::new() });
        let (new, old) = (&targets.functions["new"], &targets.functions["old"]);
        assert_eq!((targets.functions.len(), &targets.roles), (2, &BTreeMap::from([("role".to_owned(), None)])));
        assert_eq!((&new.known, &new.likely), (&regions(&["eu-west-1"]), &regions(&["us-west-2"])));
        assert_eq!((&old.known, &old.likely), (&regions(&["eu-west-2"]), &regions(&[])));
        let looked = new.to_look_in(&regions(&["ap-south-1"]));
        let expected = [("ap-south-1", true), ("eu-west-1", true), ("us-west-2", false)];
        assert_eq!(looked, BTreeMap::from(expected.map(|(region, is_known)| (region.to_owned(), is_known))));
    }

    #[test]
    fn what_another_configuration_is_deployed_with_is_not_among_it() {
        let own = [deployment("/a", "1", "new", "eu-west-1")];
        let others = [deployment("/b", "1", "new", "us-west-2"), deployment("/b", "2", "new", "eu-west-1")];
        let known = |others: &[Deployment]| Known { own: own.to_vec(), others: others.to_vec() };
        let targets = Targets::new(&config(), &["us-west-2".to_owned()], "1", &known(&others));
        assert_eq!(targets.roles["role"], Some(Need { config: "/b".into(), regions: regions(&["us-west-2"]) }));
        assert_eq!(targets.elsewhere, regions(&[]));
        let looked = targets.functions["new"].to_look_in(&regions(&["us-west-2"]));
        assert_eq!(looked.into_keys().collect::<Vec<_>>(), ["eu-west-1"], "the role names the other's regions too");
        let shared: Vec<_> = targets.functions["new"].shared().map(|(region, _)| region).collect();
        assert_eq!(shared, ["us-west-2"]);
        let elsewhere = Targets::new(&config(), &[], "1", &known(&others)).elsewhere;
        assert_eq!(elsewhere, regions(&["us-west-2"]), "nothing of this configuration is there");
        let gone = Deployment { regions: BTreeSet::new(), ..others[0].clone() };
        let alone = Targets::new(&config(), &[], "1", &known(&[gone, others[1].clone()]));
        assert_eq!(alone.roles["role"], None, "nothing of it stands here any more");
    }
}
