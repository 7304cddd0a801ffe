//! Every number that both ends or the relay must agree on, with its reason.

use std::time::Duration;

/// Largest binary message on a leg, bytes: one 64 KiB record with its headers fits, and a relay holds few of them per leg.
pub const LARGEST_MESSAGE: usize = 72 * 1024;
/// Largest text message between relay and end, bytes: notices are below 60.
pub const LARGEST_NOTICE: usize = 1024;
/// How often the relay pings every leg.
pub const RELAY_PING: Duration = Duration::from_secs(5);
/// How often an end pings its leg while nothing waits for an acknowledgement.
pub const END_PING: Duration = Duration::from_secs(15);
/// How often an end pings while sent data is unacknowledged.
pub const END_PING_BUSY: Duration = Duration::from_secs(5);
/// A leg on which nothing was received for this long is dead.
pub const LEG_SILENCE: Duration = Duration::from_secs(10);
/// How long the relay keeps an entry whose agent's leg went without a 1000, and answers 410 after one.
pub const ENTRY_LIFE: Duration = Duration::from_secs(120);
/// How long a WebSocket dial may take, from TCP to the 101.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the function repeats its first dial while the relay does not know the ticket.
pub const FIRST_DIAL: Duration = Duration::from_secs(5);
/// How long the function tries to reach a relay that it has not reached before. The agent waits 30 s for it, of which a start
/// may take 10: so the answer, with its cause, comes before the agent gives up.
pub const FIRST_LEG: Duration = Duration::from_secs(15);
/// A gap between two ticks above this was a freeze or a sleep: time not run.
pub const FREEZE: Duration = Duration::from_secs(2);
/// Kernel-side unsent bytes on every socket of a tunnel: more only adds latency (see TCP_NOTSENT_LOWAT in tcp(7)).
pub const NOTSENT_LOWAT: u32 = 64 * 1024;
/// Longest request head that a port of ours reads, bytes; what servers of the field accept.
pub const LARGEST_HEAD: usize = 32 * 1024;
/// Largest Invoke payload, bytes: an invitation is below 8 KiB even with eleven relays.
pub const LARGEST_INVITATION: usize = 64 * 1024;
/// Longest line on the control stream, bytes.
pub const LONGEST_CONTROL_LINE: usize = 4 * 1024;
/// Streams that one function carries: two descriptors at worst each (while addresses race), under Lambda's 1024.
pub const STREAMS_PER_EXIT: usize = 400;
/// How long the function waits for an order after `ending`, before it goes by itself.
pub const ORDER_WAIT: Duration = Duration::from_secs(2);
/// Where the receive window of a session stops growing, bytes: 1.3 Gbit/s at 100 ms, an eighth of the smallest function's memory.
pub const LARGEST_WINDOW: u32 = 16 * 1024 * 1024;
/// Unacknowledged bytes of a link, kept for replay, and unread ones that its receiver accepts. It must exceed
/// [`LARGEST_WINDOW`] and what frames it: h2 stops reading while it cannot write a PING or SETTINGS, so two ends that
/// could fill the link with DATA would wait for each other for ever.
pub const LINK_CAPACITY: usize = 20 * 1024 * 1024;
