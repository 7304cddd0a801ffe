//! Entries to the private parsers, for the fuzz targets. Each lives in the room whose parser it is.

pub use crate::cloud::local::fuzzing as local;
pub use crate::config::load_text as config;
pub use crate::control_socket::fuzzing as control_socket;
pub use crate::money::fuzzing as money;
pub use crate::package::fuzz as package;
pub use crate::proxy::http::fuzzing as http;
pub use crate::proxy::socks5::fuzzing as socks5;
