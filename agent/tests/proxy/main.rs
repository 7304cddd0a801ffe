//! The data plane against real sockets: a listener on port 0, exits at the far end of tunnels in memory, sites on loopback.

mod exits;
mod hostile;
mod http;
mod http_ends;
mod socks5;
mod tunnels;
mod world;
