//! The local Lambda as a process of its own. The process is this very test binary, told by a variable which body to be.

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::time::Duration;

use agent::cloud::local::billing::read_total;
use agent::cloud::local::{LocalLambda, Options, local_child, process, server};
use agent::cloud::{Cloud, CloudError};
use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};

use crate::functions::{ECHO, GATED, REGION, lives, options, pid, until};

const ROLE: &str = "LOCAL_LAMBDA_TEST_ROLE";
const ARGS: &str = "LOCAL_LAMBDA_TEST_ARGS";

/// Not a test by itself: the process's body, where the variable says so.
#[test]
fn body_of_the_process() {
    if env::var(ROLE).as_deref() != Ok("lambda") {
        return;
    }
    std::fs::write(env::var(ARGS).expect("pid file"), std::process::id().to_string()).expect("pid file");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(server::run_process()).expect("local lambda");
}

/// Not a test by itself: the step between the local Lambda and a function, where the variable says so.
#[test]
fn body_of_a_child() {
    if env::var(ROLE).as_deref() != Ok("child") {
        return;
    }
    let args = env::var(ARGS).expect("args");
    let error = local_child(args.split(' ').map(OsString::from));
    writeln!(std::io::stderr(), "{error}").expect("stderr");
}

/// A local Lambda in a process of its own, and that process's pid (its parent is a shell that cleans what libtest prints).
struct Started {
    lambda: LocalLambda,
    pid: i32,
    options: Options,
    folder: tempfile::TempDir,
}

async fn start(script: &str) -> Started {
    let (folder, mut options) = options(script);
    let exe = env::current_exe().expect("exe").display().to_string();
    let child = format!(r#"{ROLE}=child {ARGS}="$*" exec {exe} --exact process::body_of_a_child --nocapture"#);
    options.wrapper = ["/bin/sh", "-c", &child, "sh"].map(str::to_owned).into();
    let pid_file = folder.path().join("pid");
    let body = format!(
        r#"{ROLE}=lambda {ARGS}={} {exe} --exact process::body_of_the_process --nocapture | sed -un 's/.*\({{"listen.*\)/\1/p'"#,
        pid_file.display()
    );
    let lambda = process::start(&["/bin/sh", "-c", &body].map(str::to_owned), &options).await.expect("start");
    let pid = std::fs::read_to_string(pid_file).expect("pid file").parse().expect("pid");
    Started { lambda, pid, options, folder }
}

impl Started {
    async fn invoke(&self) -> i32 {
        pid(&self.lambda.client.invoke(REGION, Bytes::from_static(b"{}")).await.expect("invoke"))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid).expect("pid"), signal).expect("signal");
    }

    /// An invocation that its function has and does not answer before the gate opens.
    async fn invoke_gated(&self) -> tokio::task::JoinHandle<Result<agent::cloud::Answer, CloudError>> {
        let client = self.lambda.client.clone();
        let running = tokio::spawn(async move { client.invoke(REGION, Bytes::from_static(b"{}")).await });
        until(|| self.gated_pid().is_some()).await;
        running
    }

    /// The pid of the function that has an invocation.
    fn gated_pid(&self) -> Option<i32> {
        let names = std::fs::read_dir(self.folder.path()).expect("folder").filter_map(Result::ok);
        names.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("began-")?.parse().ok()).next()
    }
}

#[tokio::test]
async fn the_process_names_every_address_and_goes_when_it_is_let_go() {
    let started = start(ECHO).await;
    // Two regions with two seats each, and the Invoke API.
    assert_eq!(started.lambda.never.len(), 5);
    let function = started.invoke().await;
    assert!(started.lambda.stop(Duration::from_secs(20)).await.expect("end").success());
    assert!(!lives(function));
    assert_eq!(read_total(&started.options.billing).expect("billing").invocations, 1);
}

#[tokio::test]
async fn it_outlives_its_agent_until_the_last_invocation_has_ended() {
    let mut started = start(GATED).await;
    let running = started.invoke_gated().await;
    started.lambda.drain();
    // The end of the input is seen soon. An invocation taken before is gated too; its caller does not wait.
    let client = started.lambda.client.clone();
    let refused = async || {
        let asked = client.invoke("local-2", Bytes::from_static(b"{}"));
        matches!(tokio::time::timeout(Duration::from_millis(100), asked).await, Ok(Err(CloudError::Service(_))))
    };
    while !refused().await {}
    assert!(lives(started.pid));
    std::fs::write(started.folder.path().join("open"), "").expect("gate");
    assert_eq!(running.await.expect("task").expect("invoke").function_error, None);
    assert!(started.lambda.ended().await.expect("end").success());
    assert!(!lives(started.pid));
}

#[tokio::test]
async fn interrupts_are_ignored_and_a_termination_takes_everything_along() {
    let mut started = start(GATED).await;
    started.signal(Signal::INT);
    started.signal(Signal::HUP);
    let running = started.invoke_gated().await;
    let function = started.gated_pid().expect("gated");
    started.signal(Signal::TERM);
    started.lambda.ended().await.expect("end");
    assert!(!lives(started.pid) && !lives(function));
    assert!(matches!(running.await.expect("task"), Err(CloudError::Lost(_) | CloudError::Service(_))));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_functions_of_a_killed_local_lambda_die_with_it_frozen_or_not() {
    let started = start(&format!(r#"[ -e "$DIR/second" ] || {{ touch "$DIR/second"; {ECHO}; }}; {GATED}"#)).await;
    let frozen = started.invoke().await;
    // Another region, so that it is another instance.
    let client = started.lambda.client.clone();
    let lost = tokio::spawn(async move { client.invoke("local-2", Bytes::from_static(b"{}")).await });
    until(|| started.gated_pid().is_some()).await;
    let busy = started.gated_pid().expect("gated");
    assert!(lives(frozen) && lives(busy));
    started.signal(Signal::KILL);
    until(|| !lives(frozen) && !lives(busy)).await;
    assert!(matches!(lost.await.expect("task"), Err(CloudError::Lost(_))));
}

#[tokio::test]
async fn a_program_that_is_no_local_lambda_is_found_out() {
    let (_folder, options) = options(ECHO);
    for script in ["exit 1", "read line; echo nonsense"] {
        let error = process::start(&["/bin/sh", "-c", script].map(str::to_owned), &options).await.expect_err("no local lambda");
        assert!(!error.to_string().is_empty());
    }
}
