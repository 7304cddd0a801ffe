//! The control stream, both directions: no line panics, none is longer than allowed, and messages survive the wire.
#![no_main]

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tunnel::control::{FromAgent, FromFunction, Reader, write};

fuzz_target!(|wire: &[u8]| {
    messages::<FromFunction>(wire);
    messages::<FromAgent>(wire);
});

fn messages<T: Serialize + DeserializeOwned + PartialEq + Debug + Sync>(wire: &[u8]) {
    let mut reader = Reader::new(wire);
    while let Ok(Some(message)) = done(reader.next::<T>()) {
        let mut written = Vec::new();
        done(write(&mut written, &message)).expect("memory takes all");
        assert_eq!(done(Reader::new(written.as_slice()).next::<T>()).expect("own line"), Some(message));
    }
}

/// What a future gives that never waits: memory is always ready.
fn done<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("memory is always ready"),
    }
}
