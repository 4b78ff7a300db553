//! Threads of an engine's own.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// Threads of the engine's own. However much media there are to carry, the system gives the signalling's
/// threads their turn; among tasks on the same threads nobody would.
#[derive(Debug)]
pub(crate) struct Workers {
    pub(crate) handle: Handle,
    runtime: Option<Runtime>,
}

impl Workers {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().thread_name("media").enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Where an engine is dropped nothing may block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
