//! Fits the limits to how many files the system lets this process have open: a leg is one.

use crate::admission::Limits;
use crate::system::raise_descriptor_limit;

/// As much of `limits` as the system allows, which is said where it is less.
pub(super) fn within(limits: Limits) -> Limits {
    let descriptors = raise_descriptor_limit();
    let within = limits.within(descriptors);
    if within != limits {
        let (connections, handshakes) = (within.connections, within.handshakes);
        tracing::warn!(
            descriptors,
            connections,
            handshakes,
            "the system's limit of open files is below limits.connections: fewer are taken; raise it with `ulimit -n` or \
             LimitNOFILE"
        );
    }
    within
}
