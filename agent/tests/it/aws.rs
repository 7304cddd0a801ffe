//! An agent whose functions are in AWS, when AWS says no: what the person who started it is told, and what helps.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::desktop::Desktop;
use super::program::{Program, Relay};
use super::scripted::{Call, DISABLED, Scripted};
use super::squid::{KNOWN, Squid, USER};
use super::tools::{Port, wait_for};

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIDENV"), ("AWS_SECRET_ACCESS_KEY", "env")];

fn configuration(relay: &Relay, regions: &[&str], more: &str) -> String {
    let (address, token) = (relay.address, &relay.token);
    format!(
        "regions = {}\n[proxy]\nlisten = \"127.0.0.1:0\"\n[exits]\ncheck_url = \"\"\n\
         [relay]\nurl = \"ws://{address}\"\ntoken = \"{token}\"\n{more}\n",
        json!(regions)
    )
}

fn keys() -> impl Iterator<Item = (&'static str, String)> {
    KEYS.into_iter().map(|(name, value)| (name, value.to_owned()))
}

/// The problem with this code, once there is one.
fn problem(agent: &Program, code: &str) -> Value {
    wait_for(code, || agent.status()?["problems"].as_array()?.iter().find(|problem| problem["code"] == code).cloned())
}

fn invoked_with(cloud: &Scripted, token: &str) -> bool {
    cloud.calls().iter().any(|call| call.path.ends_with("/invocations") && call.token.as_deref() == Some(token))
}

#[test]
fn credentials_that_aws_does_not_take_end_the_start_with_four_and_a_hint() {
    let relay = Relay::start();
    let refusing = |_: &Call| (403, "InvalidClientTokenId", "The security token included in the request is invalid.".to_owned());
    let cloud = Scripted::start(false, refusing);
    let desktop = Desktop::new(&configuration(&relay, &["us-west-2"], "")).with(cloud.environment());
    let ended = desktop.clone().with(keys()).run(&["run"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(
        ended.stderr.contains("InvalidClientTokenId") && ended.stderr.contains("hint: the access key is unknown"),
        "{ended:?}"
    );
    for arguments in [&["run"][..], &["--profile", "nobody", "run"]] {
        let ended = desktop.run(arguments);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.stderr.contains("set aws.profile or keys"), "{ended:?}");
    }
}

/// One region for each way to say no.
fn by_region(call: &Call) -> (u16, &'static str, String) {
    let denied = "User: x is not authorized to perform: lambda:InvokeFunction on resource: y";
    let (status, code, text) = match (call.region.as_str(), call.path.ends_with("/invocations")) {
        (_, false) => (403, "AccessDeniedException", "not authorized to perform: lambda:GetAccountSettings"),
        ("us-west-1", _) => (429, "TooManyRequestsException", "Rate Exceeded."),
        ("us-east-1", _) => (403, "AccessDeniedException", denied),
        ("us-east-2", _) => {
            (404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-2:1:function:awslambdaproxy")
        }
        ("me-south-1", _) => (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
        ("eu-west-1", _) => (200, "Runtime.ExitError", "RequestId: x Error: Runtime exited with error: exit status 1"),
        ("eu-west-2", _) => (200, "UnknownProtocol", "the agent speaks protocol 1, this function 2"),
        _ => (503, "ServiceException", "down"),
    };
    (status, code, text.to_owned())
}

#[test]
fn every_refusal_is_a_problem_of_its_region_with_code_phase_cause_and_hint() {
    let (relay, cloud) = (Relay::start(), Scripted::start(true, by_region));
    let regions = ["us-west-2", "us-west-1", "us-east-1", "us-east-2", "me-south-1", "eu-west-1", "eu-west-2"];
    let keys = "[aws]\naccess_key_id = \"AKIDTOML\"\nsecret_access_key = \"toml\"";
    // Keys of the configuration go before those of the environment, which nobody knows here.
    let desktop = Desktop::new(&configuration(&relay, &regions, keys)).with(cloud.environment());
    let agent = desktop.with(self::keys()).agent(&[]);
    for (region, code, phase, text, hint) in [
        ("us-west-1", "throttled", "invoke", "TooManyRequestsException", "patience"),
        ("us-east-1", "permission_missing", "invoke", "lambda:InvokeFunction", "add lambda:InvokeFunction to"),
        ("us-east-2", "function_missing", "invoke", "Function not found", "awslambdaproxy deploy"),
        ("me-south-1", "region_disabled", "invoke", "me-south-1 is not enabled", "enable me-south-1"),
        ("eu-west-1", "function_error", "pair", "exit status 1", "log"),
        ("eu-west-2", "protocol_mismatch", "pair", "protocol", "awslambdaproxy deploy"),
        ("us-west-2", "aws_failed", "invoke", "down", "tried again"),
    ] {
        let problem = problem(&agent, code);
        let texts = ["text", "hint"].map(|key| problem[key].as_str().expect("text").to_owned());
        assert_eq!((&problem["region"], &problem["phase"]), (&json!(region), &json!(phase)), "{problem}");
        assert!(texts[0].contains(text) && texts[1].contains(hint), "{problem}");
    }
    assert!(cloud.calls().iter().all(|call| call.key == "AKIDTOML"), "{:?}", cloud.calls());
    assert!(agent.log().contains("AWS account 123456789012 as arn:aws:iam::123456789012:user/tester"));
    let status = agent.status().expect("status");
    assert_eq!((&status["health"], status["problems"].as_array().map(Vec::len)), (&json!("down"), Some(7)), "{status}");
}

#[test]
fn what_stops_every_region_is_warned_of_once_with_what_helps() {
    let relay = Relay::start();
    let cloud = Scripted::start(true, |_: &Call| (404, "ResourceNotFoundException", "Function not found".to_owned()));
    let desktop = Desktop::new(&configuration(&relay, &["us-west-2", "us-east-1"], "")).with(cloud.environment());
    let agent = desktop.with(keys()).agent(&[]);
    let both = |status: &Value| status["problems"].as_array().is_some_and(|problems| problems.len() == 2);
    wait_for("a problem of each region", || agent.status().filter(both));
    // A try after the first says nothing new.
    agent.command(&["rotate"]);
    let log = agent.log();
    let warned: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warned.len(), 1, "{log}");
    assert!(warned[0].contains("function_missing") && warned[0].contains("`awslambdaproxy deploy`"), "{log}");
}

#[test]
fn a_first_region_that_is_not_enabled_does_not_end_the_start() {
    let (relay, cloud) = (Relay::start(), Scripted::start(true, by_region));
    let desktop = Desktop::new(&configuration(&relay, &[DISABLED], "")).with(cloud.environment());
    let agent = desktop.with(keys()).agent(&[]);
    assert_eq!(problem(&agent, "region_disabled")["region"], DISABLED);
}

#[test]
fn a_session_token_replaced_on_disk_is_taken_up_without_a_restart() {
    let (relay, held) = (Relay::start(), Arc::new(AtomicBool::new(false)));
    let hold = held.clone();
    let cloud = Scripted::start(true, move |call: &Call| match call.token.as_deref() {
        Some("new") => (404, "ResourceNotFoundException", "Function not found".to_owned()),
        _ => {
            while hold.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            (403, "ExpiredTokenException", "The security token included in the request is expired".to_owned())
        }
    });
    let desktop = Desktop::new(&configuration(&relay, &["us-west-2"], "[aws]\nprofile = \"work\""));
    let profile =
        |token: &str| format!("[work]\naws_access_key_id = AKID\naws_secret_access_key = x\naws_session_token = {token}\n");
    let file = desktop.write("credentials", &profile("old"));
    let url = format!("http://127.0.0.1:{}", cloud.port);
    let services = format!("[services here]\nlambda =\n  endpoint_url = {url}\nsts =\n  endpoint_url = {url}\n");
    let settings = desktop.write("settings", &format!("[profile work]\nservices = here\n{services}"));
    let files = [("AWS_SHARED_CREDENTIALS_FILE", file), ("AWS_CONFIG_FILE", settings)];
    let files = files.map(|(name, path)| (name, path.display().to_string()));
    // A named profile goes before keys of the environment.
    let agent = desktop.clone().with(keys()).with(files).agent(&[]);
    let expired = problem(&agent, "credentials_expired");
    assert!(expired["hint"].as_str().expect("hint").contains("without a restart"), "{expired}");
    assert!(invoked_with(&cloud, "old") && !invoked_with(&cloud, "new"));
    // An Invoke that is on its way with the old one says nothing of what is asked for later.
    held.store(true, Ordering::Relaxed);
    let before = cloud.calls().len();
    let rotate = || agent.prepare(&["rotate"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let first = rotate();
    wait_for("an Invoke", || (cloud.calls().len() > before).then_some(()));
    desktop.write("credentials", &profile("new"));
    let second = rotate();
    std::thread::sleep(Duration::from_millis(500));
    held.store(false, Ordering::Relaxed);
    let rotated = second.wait_with_output().expect("it ends");
    assert!(invoked_with(&cloud, "new"), "{rotated:?}");
    first.wait_with_output().expect("it ends");
    problem(&agent, "function_missing");
}

#[test]
fn aws_is_reached_through_the_companys_proxy_and_never_through_the_agent_itself() {
    let (squid, relay) = (Squid::start(), Relay::start());
    let text = configuration(&relay, &["us-west-2"], "");
    // A name that the proxy alone knows, and behind it nobody who speaks TLS.
    let cloud = Scripted::start(true, |_: &Call| (500, "ServiceException", String::new()));
    let endpoint = ("AWS_ENDPOINT_URL", format!("https://{KNOWN}:{}", cloud.port));
    let proxy = ("HTTPS_PROXY", squid.url(Some(USER)));
    let agent = Desktop::new(&text).with(keys()).with([endpoint.clone(), proxy]).agent(&[]);
    let unreachable = problem(&agent, "aws_unreachable");
    assert!(unreachable["hint"].as_str().expect("hint").contains("HTTPS_PROXY"), "{unreachable}");
    let through = format!("200 CONNECT {KNOWN}:{} me", cloud.port);
    // It writes down a connection once that has ended.
    wait_for("the proxy's log", || squid.asked().contains(&through).then_some(()));
    assert!(!agent.log().contains("p@ss") && !agent.log().contains("p%40ss") && !unreachable.to_string().contains("p@ss"));
    let reserved = Port::reserved();
    let port = reserved.number;
    let own = text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    let ended = Desktop::new(&own).with(keys()).with([endpoint, ("HTTPS_PROXY", format!("127.0.0.1:{port}"))]).run(&["run"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("HTTPS_PROXY names this agent's own proxy"), "{ended:?}");
}

#[test]
fn no_level_of_the_log_shows_a_secret_of_aws_or_of_a_tunnel() {
    let relay = Relay::start();
    let cloud = Scripted::start(true, |_: &Call| (404, "ResourceNotFoundException", "Function not found".to_owned()));
    let keys = "[aws]\naccess_key_id = \"AKIDTOML\"\nsecret_access_key = \"s3cretkey\"\nsession_token = \"s3crettoken\"";
    let desktop = Desktop::new(&configuration(&relay, &["us-west-2"], keys)).with(cloud.environment());
    let agent = desktop.with([("AWSLAMBDAPROXY_LOG", "trace".to_owned())]).agent(&[]);
    problem(&agent, "function_missing");
    let invoked = cloud.calls().into_iter().find(|call| call.path.ends_with("/invocations")).expect("an Invoke");
    assert_eq!(invoked.token.as_deref(), Some("s3crettoken"));
    let invitation: Value = serde_json::from_str(&invoked.body).expect("JSON");
    let log = agent.log();
    for secret in ["s3cretkey", "s3crettoken", &relay.token]
        .into_iter()
        .chain(["ticket", "identity"].map(|it| invitation[it].as_str().expect("text")))
    {
        // Bytes may be shown as text or as numbers.
        let numbers = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
        let found = log.lines().find(|line| line.contains(secret) || line.contains(&numbers));
        assert_eq!(found.map(|line| line.chars().take(200).collect::<String>()), None, "{secret}");
    }
    assert!(log.contains("aws_smithy_runtime"), "what others say is shown");
}
