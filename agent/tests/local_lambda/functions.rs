//! Custom runtimes in a few lines of shell, as AWS's own tutorial writes them, and a local Lambda that runs one.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use agent::cloud::local::server::{Server, Stop};
use agent::cloud::local::{LocalCloud, Options, Ready, Token};
use agent::cloud::{Answer, Cloud, CloudError};
use bytes::Bytes;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) const REGION: &str = "local-1";

/// What every script begins with: how to poll (sets ID, EVENT, DEADLINE), answer and fail.
const PRELUDE: &str = r#"#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
HEADERS="$(mktemp)"
next() {
    EVENT="$(curl -sS -D "$HEADERS" "$API/invocation/next")" || exit 9
    ID="$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: *//Ip' "$HEADERS" | tr -d '\r')"
    DEADLINE="$(sed -n 's/^Lambda-Runtime-Deadline-Ms: *//Ip' "$HEADERS" | tr -d '\r')"
    ARN="$(sed -n 's/^Lambda-Runtime-Invoked-Function-Arn: *//Ip' "$HEADERS" | tr -d '\r')"
}
post() { curl -sS -o /dev/null -w '%{http_code}' --data-binary "$2" "$API/$1"; }
respond() { post "invocation/$ID/response" "$1"; }
COUNT=0
"#;

/// Answers with its pid, how many invocations it had, and the event.
pub(crate) const ECHO: &str = r#"while :; do next; COUNT=$((COUNT+1)); echo "event $EVENT" >&2
respond "{\"pid\":$$,\"count\":$COUNT,\"event\":$EVENT,\"deadline\":$DEADLINE,\"arn\":\"$ARN\"}" >/dev/null; done"#;

/// Says in a file that it has the invocation, and answers when another file appears.
pub(crate) const GATED: &str = r#"while :; do next; touch "$DIR/began-$$"; until [ -e "$DIR/open" ]; do sleep 0.02; done
rm -f "$DIR/began-$$"; respond "{\"pid\":$$}" >/dev/null; done"#;

/// A local Lambda in this process, and the folder of its files.
pub(crate) struct Lambda {
    pub(crate) client: LocalCloud,
    pub(crate) ready: Ready,
    pub(crate) options: Options,
    pub(crate) folder: TempDir,
    pub(crate) stop: watch::Sender<Stop>,
    pub(crate) serving: JoinHandle<()>,
}

/// Options that run `script`, which finds the folder in `DIR`.
pub(crate) fn options(script: &str) -> (TempDir, Options) {
    let folder = tempfile::tempdir().expect("tempdir");
    let program = folder.path().join("bootstrap");
    fs::write(&program, format!("{PRELUDE}{script}\n")).expect("script");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("mode");
    let dir = folder.path().display().to_string();
    let options = Options {
        regions: vec![REGION.into(), "local-2".into()],
        function_name: "awslambdaproxy".into(),
        // Through sh: a script that was just written may still be open in a sibling's fork, and could not be executed.
        command: vec!["/bin/sh".into(), program.display().to_string()],
        wrapper: Vec::new(),
        env: BTreeMap::from([("DIR".into(), dir.clone()), ("TMPDIR".into(), dir)]),
        timeout_s: 60,
        memory_mb: 128,
        concurrency: 2,
        idle_life_s: 600,
        billing: folder.path().join("billing.jsonl"),
        token: Token::mint(),
    };
    (folder, options)
}

/// Serves `script`.
pub(crate) async fn serve(script: &str) -> Lambda {
    serve_with(script, |_| {}).await
}

/// Serves `script` with changed options.
pub(crate) async fn serve_with(script: &str, change: impl FnOnce(&mut Options)) -> Lambda {
    let (folder, mut options) = options(script);
    change(&mut options);
    let server = Server::bind(options.clone()).await.expect("bind");
    let ready = server.ready().clone();
    let client = LocalCloud::new(ready.listen, &options);
    let (stop, orders) = watch::channel(Stop::Serve);
    let serving = tokio::spawn(server.run(orders));
    Lambda { client, ready, options, folder, stop, serving }
}

impl Lambda {
    pub(crate) async fn invoke(&self, event: &str) -> Result<Answer, CloudError> {
        self.client.invoke(REGION, Bytes::copy_from_slice(event.as_bytes())).await
    }

    /// An invocation that runs beside the test.
    pub(crate) fn invoke_aside(&self) -> JoinHandle<Result<Answer, CloudError>> {
        let client = self.client.clone();
        tokio::spawn(async move { client.invoke(REGION, Bytes::from_static(b"{}")).await })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets every gated function answer.
    pub(crate) fn open_gate(&self) {
        fs::write(self.path("open"), "").expect("gate");
    }

    /// Resolves when `count` gated functions have an invocation.
    pub(crate) async fn began(&self, count: usize) {
        until(|| self.began_now() == count).await;
    }

    fn began_now(&self) -> usize {
        let names = fs::read_dir(self.folder.path()).expect("folder").filter_map(Result::ok);
        names.filter(|entry| entry.file_name().to_string_lossy().starts_with("began-")).count()
    }

    /// Ends it and everything it runs.
    pub(crate) async fn kill(self) {
        self.stop.send_replace(Stop::Kill);
        self.serving.await.expect("serving");
    }
}

/// A field of the function's answer.
pub(crate) fn field(answer: &Answer, name: &str) -> serde_json::Value {
    let document: serde_json::Value = serde_json::from_slice(&answer.payload).expect("json");
    document[name].clone()
}

/// The pid that the function answered.
pub(crate) fn pid(answer: &Answer) -> i32 {
    i32::try_from(field(answer, "pid").as_i64().unwrap_or_else(|| panic!("no pid in {answer:?}"))).expect("pid")
}

/// Waits for what another process brings about; the runner's own time-out bounds it.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    tokio::time::timeout(Duration::from_secs(30), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("what is waited for comes");
}

/// Whether the process is there (a zombie is not).
pub(crate) fn lives(pid: i32) -> bool {
    state(pid).is_some_and(|state| state != 'Z')
}

/// The state letter of /proc/PID/stat, or of ps where there is no /proc.
pub(crate) fn state(pid: i32) -> Option<char> {
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        return stat.rsplit(") ").next()?.chars().next();
    }
    let output = std::process::Command::new("ps").args(["-o", "state=", "-p", &pid.to_string()]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().chars().next()
}
