//! The front as tests drive it: one process for all of them, and an account for each.

#![allow(clippy::needless_pass_by_value, reason = "orders are documents that are written in place")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::program::EXE;
use super::support::python::PYTHON;
use super::tools::wait_for;

/// The process; it ends when this one does, since its standard input ends then.
struct Front {
    _process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    listen: String,
    _folder: TempDir,
}

static FRONT: LazyLock<Mutex<Front>> = LazyLock::new(|| Mutex::new(Front::start()));

impl Front {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let mut process = Command::new(&*PYTHON)
            .args(["-B", "-m", "front", EXE, &folder.path().display().to_string()])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the front runs");
        let (stdin, stdout) = (process.stdin.take().expect("stdin"), process.stdout.take().expect("stdout"));
        let mut front = Self { _process: process, stdin, stdout: BufReader::new(stdout), listen: String::new(), _folder: folder };
        front.listen = front.hear()["listen"].as_str().expect("an address").to_owned();
        front
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the front answers");
        serde_json::from_str(&line).expect("JSON")
    }
}

/// Gives the front an order and returns its answer, or what went wrong.
fn try_order(order: &Value) -> Result<Value, String> {
    // Another test's failure broke nothing here.
    let mut front = FRONT.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(front.stdin, "{order}").expect("the front listens");
    let answer = front.hear();
    match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer),
    }
}

/// What a program of AWS's needs to call.
#[derive(Debug, Clone)]
pub struct Keys {
    pub key: String,
    pub secret: String,
    pub token: Option<String>,
}

impl Keys {
    fn read(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        Self { key: text("key").expect("a key"), secret: text("secret").expect("a secret"), token: text("token") }
    }

    /// As every program of AWS's takes them: the endpoint and the keys, and nothing else.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = endpoint();
        environment.extend([("AWS_ACCESS_KEY_ID", self.key.clone()), ("AWS_SECRET_ACCESS_KEY", self.secret.clone())]);
        environment.extend(self.token.clone().map(|token| ("AWS_SESSION_TOKEN", token)));
        environment
    }
}

/// Where the front is, without any credentials; a desktop has no metadata service, and asking for it would only wait.
pub fn endpoint() -> Vec<(&'static str, String)> {
    let listen = FRONT.lock().unwrap_or_else(PoisonError::into_inner).listen.clone();
    vec![("AWS_ENDPOINT_URL", format!("http://{listen}")), ("AWS_EC2_METADATA_DISABLED", "true".into())]
}

/// One call as the front wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub action: String,
    pub region: String,
    pub writes: bool,
    /// Every permission that it needs.
    pub needs: Vec<String>,
    pub status: Option<u64>,
}

/// An account of AWS's; closed with the value, and everything that runs in it ends.
pub struct Account {
    pub id: String,
    pub administrator: Keys,
}

impl Account {
    /// An account with these laws (see `front/world.py`).
    pub fn open(laws: Value) -> Self {
        let opened = try_order(&json!({"do": "open", "laws": laws})).expect("an account");
        Self { id: opened["account"].as_str().expect("a number").to_owned(), administrator: Keys::read(&opened) }
    }

    fn order(&self, order: Value) -> Value {
        self.try_order(order).expect("the front obeys")
    }

    fn try_order(&self, mut order: Value) -> Result<Value, String> {
        order["account"] = json!(self.id);
        try_order(&order)
    }

    /// Changes laws.
    pub fn laws(&self, laws: Value) {
        self.order(json!({"do": "laws", "laws": laws}));
    }

    /// A user who may do what the policy says.
    pub fn user(&self, name: &str, policy: &Value) -> Keys {
        Keys::read(&self.order(json!({"do": "user", "name": name, "policy": policy})))
    }

    /// Temporary credentials of a key's owner.
    pub fn session(&self, keys: &Keys, seconds: f64) -> Keys {
        Keys::read(&self.order(json!({"do": "session", "key": keys.key, "seconds": seconds})))
    }

    /// Ends temporary credentials now.
    pub fn expire(&self, keys: &Keys) {
        self.order(json!({"do": "expire", "key": keys.key}));
    }

    /// Orders something to go wrong (see `front/faults.py`).
    pub fn fault(&self, fault: Value) {
        self.order(json!({"do": "fault", "fault": fault}));
    }

    /// Counts calls anew, without faults.
    pub fn forget(&self) {
        self.order(json!({"do": "forget"}));
    }

    /// The calls of a user since the count began.
    pub fn calls_of(&self, user: &str) -> Vec<Call> {
        let answer = self.order(json!({"do": "calls", "user": user}));
        let text = |call: &Value, name: &str| call[name].as_str().expect("a text").to_owned();
        let read = |call: &Value| Call {
            action: text(call, "action"),
            region: text(call, "region"),
            writes: call["writes"] == true,
            needs: serde_json::from_value(call["needs"].clone()).expect("actions"),
            status: call["status"].as_u64(),
        };
        answer["calls"].as_array().expect("calls").iter().map(read).collect()
    }

    /// Waits until a call hangs; false when it is over first.
    pub fn wait_until_held_or(&self, mut is_over: impl FnMut() -> bool) -> bool {
        wait_for("a call that hangs", || {
            let is_held = self.order(json!({"do": "held"}))["held"] != 0;
            (is_held || is_over()).then_some(is_held)
        })
    }

    /// What the administrator does by hand: an operation by boto3's name. `{"$file": path}` stands for a file's bytes.
    pub fn try_aws(&self, service: &str, region: &str, operation: &str, parameters: Value) -> Result<Value, String> {
        let order = json!({"do": "aws", "service": service, "region": region, "operation": operation, "parameters": parameters});
        self.try_order(order).map(|answer| answer["answer"].clone())
    }

    /// The same, where it must succeed.
    pub fn aws(&self, service: &str, region: &str, operation: &str, parameters: Value) -> Value {
        self.try_aws(service, region, operation, parameters).expect("it is done")
    }

    /// Everything that a deployment makes or could leave, as it is, without times and ids: equal after equal deployments.
    pub fn holdings(&self) -> Value {
        self.order(json!({"do": "holdings"}))
    }

    /// What the invocations were billed.
    pub fn billed(&self) -> Value {
        self.order(json!({"do": "billed"}))
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // While another test's panic unwinds the front may be gone.
        let _closed = self.try_order(json!({"do": "close"}));
    }
}
