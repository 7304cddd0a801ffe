//! Whatever stands in the account and wherever a deployment is interrupted: the plan leads to what is wished, and then is empty.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::cloud::GENERATION;
use crate::cloud::aws::Caller;
use crate::cloud::aws::functions::{Function, FunctionSettings, Progress};
use crate::cloud::aws::log_groups::LogGroup;
use crate::cloud::aws::roles::Role;
use crate::config::{Architecture, AwsConfig, AwsCredentials};
use crate::deploy::owner::{Claim, OwnerId};
use crate::deploy::tags::{self, OWNER, Tags};
use crate::deploy::wish::{FunctionWish, LOGS_POLICY, LogGroupWish, RoleWish, trust};

const REGION: &str = "us-west-2";

/// What one region of an account holds, and the role.
#[derive(Debug, Clone, PartialEq)]
struct World {
    role: Option<Role>,
    function: Option<Function>,
    log_group: Option<LogGroup>,
}

#[derive(Debug, Clone)]
struct Wishes {
    config: AwsConfig,
    claim: Claim,
    zip: u8,
}

#[derive(Debug, Clone)]
enum Any {
    Role(RoleStep),
    Function(FunctionStep),
    LogGroup(LogGroupStep),
}

impl Wishes {
    fn role(&self, world: &World) -> RoleWish {
        let arn = "arn:aws:iam::123456789012:user/x".to_owned();
        let caller = Caller { account: "123456789012".to_owned(), arn };
        RoleWish::new(&self.config, &BTreeSet::from([REGION.to_owned()]), world.role.as_ref(), &caller, &self.claim.owner, &[])
    }

    fn function(&self) -> FunctionWish {
        FunctionWish {
            name: self.config.function_name.clone(),
            zip: Bytes::new(),
            code_sha256: format!("hash {}", self.zip),
            architecture: self.config.architecture.word(),
            runtime: "provided.al2023",
            handler: "bootstrap",
            description: "x",
            memory_mb: self.config.memory_mb,
            timeout_s: 900,
            tags: tags::of_function(&self.claim.owner, "1.0.0"),
        }
    }

    fn log_group(&self) -> LogGroupWish {
        let retention_days = self.config.logs.then_some(7);
        LogGroupWish { name: "/aws/lambda/x".into(), retention_days, tags: tags::of_owner(&self.claim.owner) }
    }

    fn plan(&self, world: &World) -> Vec<Any> {
        let role = self.role(world);
        let steps = plan_role(&role, world.role.as_ref(), &self.claim).expect("adopted").into_iter().map(Any::Role);
        let function = plan_function(&self.function(), &role.arn, world.function.as_ref(), &self.claim).expect("adopted");
        let group = plan_log_group(&self.log_group(), world.log_group.as_ref(), &self.claim).expect("adopted");
        steps.chain(group.into_iter().map(Any::LogGroup)).chain(function.into_iter().map(Any::Function)).collect()
    }

    /// What AWS makes of a step.
    fn take(&self, world: &mut World, step: Any) {
        match step {
            Any::Role(step) => self.take_role(world, step),
            Any::Function(step) => self.take_function(world, step),
            Any::LogGroup(step) => self.take_log_group(world, step),
        }
    }

    fn take_role(&self, world: &mut World, step: RoleStep) {
        if let RoleStep::Create(tags) = step {
            let arn = self.role(world).arn;
            let fresh = Role { arn, trust: trust(), tags, policies: BTreeSet::new(), policy: None, attached: Vec::new() };
            assert!(world.role.replace(fresh).is_none(), "made twice");
            return;
        }
        let role = world.role.as_mut().expect("a role");
        match step {
            RoleStep::Create(_) => unreachable!("handled above"),
            RoleStep::Tag(tags) => role.tags.extend(tags),
            RoleStep::SetTrust => role.trust = trust(),
            RoleStep::PutLogs(document) => {
                role.policies.insert(LOGS_POLICY.to_owned());
                role.policy = Some(document);
            }
            RoleStep::DeletePolicy(name) => assert!(role.policies.remove(&name)),
            RoleStep::Detach(arn) => role.attached.retain(|attached| *attached != arn),
        }
    }

    fn take_function(&self, world: &mut World, step: FunctionStep) {
        let wish = self.function();
        if let FunctionStep::Create(settings) = step {
            let arn = "arn:function".to_owned();
            let (code_sha256, architecture) = (wish.code_sha256, wish.architecture.to_owned());
            let progress = Progress::Settled;
            let fresh = Function { arn, code_sha256, architecture, settings, tags: wish.tags, progress };
            assert!(world.function.replace(fresh).is_none(), "made twice");
            return;
        }
        let function = world.function.as_mut().expect("a function");
        match step {
            FunctionStep::Create(_) => unreachable!("handled above"),
            FunctionStep::Tag { tags, .. } => function.tags.extend(tags),
            FunctionStep::Code { .. } => {
                (function.code_sha256, function.architecture) = (wish.code_sha256, wish.architecture.to_owned());
            }
            FunctionStep::Configure { settings, .. } => {
                (function.settings, function.progress) = (settings, Progress::Settled);
            }
        }
    }

    fn take_log_group(&self, world: &mut World, step: LogGroupStep) {
        match step {
            LogGroupStep::Create => {
                let fresh = LogGroup { arn: "arn:group".into(), retention_days: None, tags: self.log_group().tags };
                assert!(world.log_group.replace(fresh).is_none(), "made twice");
            }
            LogGroupStep::Tag { tags, .. } => world.log_group.as_mut().expect("a group").tags.extend(tags),
            LogGroupStep::SetRetention(days) => world.log_group.as_mut().expect("a group").retention_days = Some(days),
            LogGroupStep::Delete => assert!(world.log_group.take().is_some(), "removed twice"),
        }
    }
}

fn owner(number: u8) -> OwnerId {
    hex::encode([number; 16]).parse().expect("an owner")
}

fn some_tags() -> impl Strategy<Value = Tags> {
    let owned = prop_oneof![Just(None), (0..2_u8).prop_map(Some)];
    (owned, any::<bool>(), any::<bool>()).prop_map(|(owned, other, old)| {
        let mut tags = owned.map(|number| tags::of_role(&owner(number), &["eu-west-1".to_owned()])).unwrap_or_default();
        tags.extend(other.then(|| ("team".to_owned(), "x".to_owned())));
        tags.extend(old.then(|| (tags::VERSION.to_owned(), "0.0.1".to_owned())));
        tags
    })
}

fn some_role() -> impl Strategy<Value = Role> {
    let policy = prop_oneof![Just(None), Just(Some("{}".to_owned()))];
    (some_tags(), any::<bool>(), any::<bool>(), policy, any::<bool>()).prop_map(|(tags, trusting, more, policy, attached)| {
        let mut policies: BTreeSet<String> = more.then(|| "admin".to_owned()).into_iter().collect();
        policies.extend(policy.as_ref().map(|_| LOGS_POLICY.to_owned()));
        let trust = if trusting { trust() } else { "{\"Statement\":[]}".to_owned() };
        let attached = attached.then(|| "arn:aws:iam::aws:policy/AdministratorAccess".to_owned()).into_iter().collect();
        Role { arn: "arn:aws:iam::123456789012:role/path/x".into(), trust, tags, policies, policy, attached }
    })
}

fn some_function() -> impl Strategy<Value = Function> {
    let generation = prop_oneof![Just(None), Just(Some("x".to_owned())), (1..99_u64).prop_map(|number| Some(number.to_string()))];
    let progress = prop_oneof![Just(Progress::Settled), Just(Progress::Failed("x".into()))];
    (some_tags(), 0..2_u8, generation, any::<[bool; 5]>(), progress).prop_map(|(tags, zip, generation, drift, progress)| {
        let mut variables: BTreeMap<String, String> = generation.map(|text| (GENERATION.to_owned(), text)).into_iter().collect();
        variables.extend(drift[0].then(|| ("MORE".to_owned(), "x".to_owned())));
        let settings = FunctionSettings {
            runtime: "provided.al2023".into(),
            handler: "bootstrap".into(),
            role: if drift[1] { "arn:other".into() } else { "arn:aws:iam::123456789012:role/x".into() },
            description: "x".into(),
            memory_mb: if drift[2] { 512 } else { 128 },
            timeout_s: 900,
            variables,
            subnets: drift[3].then(|| "subnet-1".to_owned()).into_iter().collect(),
            layers: drift[4].then(|| "layer".to_owned()).into_iter().collect(),
        };
        let architecture = if zip == 0 { "arm64" } else { "x86_64" };
        let (code_sha256, architecture) = (format!("hash {zip}"), architecture.to_owned());
        Function { arn: "arn:function".into(), code_sha256, architecture, settings, tags, progress }
    })
}

fn some_log_group() -> impl Strategy<Value = LogGroup> {
    (some_tags(), prop_oneof![Just(None), Just(Some(7)), Just(Some(30))]).prop_map(|(tags, retention_days)| LogGroup {
        arn: "arn:group".into(),
        retention_days,
        tags,
    })
}

fn some_world() -> impl Strategy<Value = World> {
    let parts = (prop::option::of(some_role()), prop::option::of(some_function()), prop::option::of(some_log_group()));
    parts.prop_map(|(role, function, log_group)| World { role, function, log_group })
}

fn some_wishes() -> impl Strategy<Value = Wishes> {
    (any::<bool>(), any::<bool>(), 128..1000_u32, 0..2_u8).prop_map(|(logs, arm, memory_mb, zip)| Wishes {
        config: AwsConfig {
            credentials: AwsCredentials::Chain,
            function_name: "x".into(),
            role_name: "x".into(),
            memory_mb,
            architecture: if arm { Architecture::Arm64 } else { Architecture::X86_64 },
            timeout: std::time::Duration::from_secs(900),
            logs,
        },
        claim: Claim { owner: owner(0), adopt: true },
        zip,
    })
}

proptest! {
    #[test]
    fn an_interrupted_deployment_goes_on_to_what_is_wished(start in some_world(), wishes in some_wishes(), interrupted in 0..12_usize) {
        let mut world = start.clone();
        for step in wishes.plan(&world).into_iter().take(interrupted) {
            wishes.take(&mut world, step);
        }
        // A new role has another full name than what the second plan finds; the third finds what the second made.
        for step in wishes.plan(&world) {
            wishes.take(&mut world, step);
        }
        let rest = wishes.plan(&world);
        prop_assert!(rest.is_empty(), "{rest:?}");
        check(&wishes, &start, &world);
    }

    #[test]
    fn what_is_anothers_stays_as_it_is(start in some_world(), wishes in some_wishes()) {
        let claim = Claim { adopt: false, ..wishes.claim.clone() };
        let is_ours = |tags: &Tags| tags.get(OWNER) == Some(&claim.owner.to_string());
        let role = wishes.role(&start);
        if let Some(seen) = &start.role {
            prop_assert_eq!(plan_role(&role, Some(seen), &claim).is_ok(), is_ours(&seen.tags));
        }
        if let Some(seen) = &start.function {
            prop_assert_eq!(plan_function(&wishes.function(), &role.arn, Some(seen), &claim).is_ok(), is_ours(&seen.tags));
        }
        if let Some(seen) = &start.log_group && !is_ours(&seen.tags) {
            let planned = plan_log_group(&wishes.log_group(), Some(seen), &claim);
            prop_assert!(planned.is_err() || planned == Ok(vec![]));
        }
    }
}

/// The account is as wished, and keeps what is not ours to change.
fn check(wishes: &Wishes, start: &World, end: &World) {
    let (role, function) = (end.role.as_ref().expect("a role"), end.function.as_ref().expect("a function"));
    assert_eq!(role.trust, trust());
    assert_eq!(role.policies.len(), usize::from(wishes.config.logs));
    assert!(role.attached.is_empty() && tags::regions(&role.tags).contains(REGION));
    assert_eq!((&function.settings.role, function.settings.memory_mb), (&role.arn, wishes.config.memory_mb));
    assert_eq!(
        (&function.code_sha256, function.architecture.as_str()),
        (&format!("hash {}", wishes.zip), wishes.config.architecture.word())
    );
    assert_eq!(function.settings.variables.len(), 1);
    for tags in [&role.tags, &function.tags] {
        assert_eq!(tags[OWNER], wishes.claim.owner.to_string());
    }
    if let Some(before) = &start.function {
        let number = |function: &Function| function.settings.variables.get(GENERATION).and_then(|text| text.parse::<u64>().ok());
        assert_eq!(number(function), number(before).or(Some(1)), "the generation is kept");
        assert_eq!(function.tags.get("team"), before.tags.get("team"), "other tags are kept");
    }
    match &end.log_group {
        Some(group) if wishes.config.logs => assert_eq!(group.retention_days, Some(7)),
        Some(group) => assert!(!group.tags.contains_key(OWNER), "a log group of ours is left"),
        None => assert!(!wishes.config.logs),
    }
}
