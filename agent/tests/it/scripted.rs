//! An AWS that says what a test tells it to say, to every call.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One call.
#[derive(Debug, Clone, Default)]
pub struct Call {
    pub path: String,
    pub body: String,
    /// Whose key signed it, and for which region and service.
    pub key: String,
    pub region: String,
    pub service: String,
    /// The session token.
    pub token: Option<String>,
}

/// A region that the account has not enabled: no service there takes its credentials.
pub const DISABLED: &str = "me-south-1";

/// Status, error code and text.
pub type Answer = (u16, &'static str, String);

/// The server. Its threads wait for calls until the test's process ends.
pub struct Scripted {
    pub port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Scripted {
    /// Answers every call but the question who is calling by `answer`; that one too if `who` is false.
    pub fn start(who: bool, answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("address").port();
        let (calls, answer) = (Arc::<Mutex<Vec<Call>>>::default(), Arc::new(answer));
        let seen = calls.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, answer) = (seen.clone(), answer.clone());
                std::thread::spawn(move || serve(&stream, who, &seen, &*answer));
            }
        });
        Self { port, calls }
    }

    /// What the agent's environment must hold to meet it.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)), ("AWS_EC2_METADATA_DISABLED", "true".into())]
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("calls").clone()
    }
}

fn serve(stream: &TcpStream, who: bool, seen: &Mutex<Vec<Call>>, answer: &dyn Fn(&Call) -> Answer) {
    let mut reader = BufReader::new(stream);
    while let Some(call) = read(&mut reader) {
        seen.lock().expect("calls").push(call.clone());
        let asks_who = who && call.body.contains("GetCallerIdentity");
        let invalid = || (403, "InvalidClientTokenId", "The security token included in the request is invalid".to_owned());
        let reply = match call.region.as_str() {
            DISABLED if asks_who => refusal(&invalid(), &call),
            _ if asks_who => caller(),
            _ => refusal(&answer(&call), &call),
        };
        if (&*stream).write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Call> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let header = |name: &str| {
        let found = lines.iter().find_map(|line| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let scope = header("authorization").unwrap_or_default();
    let scope = scope.split_once("Credential=").map_or("", |(_, rest)| rest.split(',').next().unwrap_or_default());
    let part = |index| scope.split('/').nth(index).unwrap_or_default().to_owned();
    Some(Call {
        path: lines.first()?.split(' ').nth(1)?.to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        key: part(0),
        region: part(2),
        service: part(3),
        token: header("x-amz-security-token"),
    })
}

fn caller() -> String {
    let body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                <Arn>arn:aws:iam::123456789012:user/tester</Arn><UserId>U</UserId><Account>123456789012</Account>\
                </GetCallerIdentityResult></GetCallerIdentityResponse>";
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// As each service writes it: a status of 200 is a function's error, with the code as its type.
fn refusal((status, code, text): &Answer, call: &Call) -> String {
    let (headers, body) = match (status, call.service.as_str()) {
        (200, _) => {
            ("x-amz-function-error: Unhandled\r\n".to_owned(), format!(r#"{{"errorType":"{code}","errorMessage":"{text}"}}"#))
        }
        (_, "sts") => {
            let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>");
            (String::new(), format!("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">{error}</ErrorResponse>"))
        }
        _ => (format!("x-amzn-errortype: {code}\r\n"), format!(r#"{{"message":"{text}"}}"#)),
    };
    format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}
