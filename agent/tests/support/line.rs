//! A stream that says one byte at a time.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::program::Program;
use super::tools::{PATIENCE, connect_through, soak};

/// A stream through the agent, and its far end.
pub struct Line {
    pub app: TcpStream,
    far: TcpStream,
}

impl Line {
    pub fn through(agent: &Program) -> Self {
        let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
        let app = connect_through(agent.proxy(), site.local_addr().expect("address"));
        let (far, _) = site.accept().expect("connection");
        far.set_read_timeout(Some(PATIENCE * soak())).expect("option");
        let mut line = Self { app, far };
        line.pass();
        line
    }

    /// Passes a byte each way.
    pub fn pass(&mut self) {
        let mut byte = [0];
        self.app.write_all(b"u").expect("up");
        self.far.read_exact(&mut byte).expect("up");
        self.far.write_all(b"d").expect("down");
        self.app.read_exact(&mut byte).expect("down");
    }
}
