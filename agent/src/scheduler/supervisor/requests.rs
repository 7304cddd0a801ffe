//! What the control socket asks of the supervisor.

use tokio::sync::oneshot;

use super::Supervisor;
use super::rotation::Rotated;
use super::snapshot::Snapshot;
use crate::cloud::Cloud;

/// One request.
#[derive(Debug)]
pub enum Request {
    /// The state of everything.
    Snapshot(oneshot::Sender<Snapshot>),
    /// New exits now.
    Rotate {
        /// In these regions; in all if empty.
        regions: Vec<String>,
        /// With a new address.
        fresh: bool,
        /// Told when each has come or failed.
        reply: oneshot::Sender<Vec<Rotated>>,
    },
    /// Only carry what runs.
    WindDown,
    /// End everything.
    Stop(oneshot::Sender<()>),
}

impl<C: Cloud> Supervisor<C> {
    pub(super) fn on_request(&mut self, request: Request) {
        match request {
            Request::Snapshot(reply) => {
                let _gone = reply.send(self.snapshot());
            }
            Request::Rotate { regions, fresh, reply } => self.begin_rotation(&regions, fresh, reply),
            Request::WindDown => self.is_winding_down = true,
            Request::Stop(reply) => {
                self.regions.iter_mut().for_each(|region| region.memory.stop());
                self.stopping.get_or_insert_default().push(reply);
            }
        }
    }
}
