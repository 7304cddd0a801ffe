//! Both sides together, on sockets in a directory of their own.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::*;
use crate::status::{model::Status, sample};

#[derive(Default)]
struct Fake {
    stopped: Notify,
}

impl Agent for Fake {
    async fn status(&self) -> Status {
        sample::busy()
    }

    async fn rotate(&self, order: RotateOrder) -> Result<RotateReport, String> {
        let region = |region| RotatedRegion {
            region,
            old: None,
            new: None,
            error: order.fresh.then(|| "no".to_owned()),
            refuser: None,
            note: None,
        };
        Ok(RotateReport { regions: order.regions.into_iter().map(region).collect() })
    }

    fn stop(&self) {
        self.stopped.notify_one();
    }
}

fn place(dir: &tempfile::TempDir) -> Place {
    Place::within(&dir.path().join("config.toml"), &dir.path().join("run"), &dir.path().join("state"))
}

#[tokio::test]
async fn the_agent_is_asked_and_answers() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = ControlSocket::open(&place(&dir)).expect("open");
    let agent = Arc::new(Fake::default());
    let client = Client::new(place(&dir));
    let questions = async {
        assert_eq!(client.status().await.expect("status"), sample::busy());
        let order = RotateOrder { fresh: true, regions: vec!["us-west-2".into()] };
        let report = client.rotate(order).await.expect("rotated");
        assert_eq!(report.regions[0].error.as_deref(), Some("no"));
        assert_eq!(client.stop().await.expect("stopping"), std::process::id());
        agent.stopped.notified().await;
    };
    tokio::select! {
        () = socket.serve(Arc::clone(&agent)) => unreachable!("serves for ever"),
        () = questions => {}
    }
    drop(socket);
    assert!(matches!(client.status().await, Err(AskError::NotRunning)));
}

#[tokio::test]
async fn who_asks_badly_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = ControlSocket::open(&place(&dir)).expect("open");
    let question = async {
        let mut stream = transport::connect(socket.path()).await.expect("connected");
        stream.write_all(b"{\"shell\":{}}\n").await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.contains("not a request"), "{answer}");
    };
    tokio::select! {
        () = socket.serve(Arc::new(Fake::default())) => unreachable!("serves for ever"),
        () = question => {}
    }
}

#[tokio::test]
async fn a_second_agent_is_told_the_firsts_pid() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = ControlSocket::open(&place(&dir)).expect("open");
    let second = ControlSocket::open(&place(&dir)).expect_err("taken");
    assert!(matches!(second, OpenError::Lock(LockError::Running { pid: Some(pid) }) if pid == std::process::id()));
    transport::connect(first.path()).await.expect("the second one left the first one's socket alone");
    drop(first);
    ControlSocket::open(&place(&dir)).expect("free again");
}

#[tokio::test]
async fn what_a_dead_agent_left_is_replaced() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = place(&dir);
    std::fs::create_dir_all(dir.path().join("run")).expect("made");
    std::fs::create_dir_all(dir.path().join("state")).expect("made");
    #[cfg(unix)]
    drop(std::os::unix::net::UnixListener::bind(&place.socket).expect("bound"));
    std::fs::write(&place.lock, "").expect("written");
    std::fs::write(place.holder(), r#"{"pid":1,"socket":"/nowhere"}"#).expect("written");
    assert!(matches!(Client::new(place.clone()).status().await, Err(AskError::NotRunning)));
    ControlSocket::open(&place).expect("open");
}

#[tokio::test]
async fn an_agent_that_hangs_up_amid_a_question_has_ended() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = place(&dir);
    let listener = transport::Listener::bind(&place.socket).expect("bound");
    let hanging_up = async { drop(listener.accept().await.expect("asked")) };
    let (answer, ()) = tokio::join!(async { Client::new(place.clone()).status().await }, hanging_up);
    assert!(matches!(answer, Err(AskError::NotRunning)), "{answer:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn socket_and_directories_are_the_users_own() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let place = place(&dir);
    let _socket = ControlSocket::open(&place).expect("open");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&place.socket), mode(&place.lock), mode(&place.holder())), (0o600, 0o600, 0o600));
    assert_eq!((mode(&dir.path().join("run")), mode(&dir.path().join("state"))), (0o700, 0o700));
}

#[tokio::test]
async fn the_lock_says_where_a_socket_of_another_session_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = ControlSocket::open(&place(&dir)).expect("open");
    let elsewhere = Place { socket: dir.path().join("other.sock"), ..place(&dir) };
    tokio::select! {
        () = socket.serve(Arc::new(Fake::default())) => unreachable!("serves for ever"),
        status = async { Client::new(elsewhere).status().await } => drop(status.expect("asked")),
    }
}
