//! Carries to the rooms which streams flow, as the media engine knows.

use std::sync::Arc;

use super::shell::HubHandle;
use crate::media::MediaEngine;
use crate::rights::stream_of;
use crate::rooms::HubInput;

/// Tells the hub of every stream that has got or lost its publisher, as it is when the hub has time.
pub(crate) async fn follow(hub: HubHandle, media: Arc<dyn MediaEngine>) {
    while hub.is_running() {
        let changed = media.flows().changed().await;
        let flow = |name: &String| {
            let (cid, uid, stream) = stream_of(name)?;
            Some(HubInput::Flow(cid, uid, stream, media.is_live(name)))
        };
        hub.inputs(changed.iter().filter_map(flow).collect());
    }
    // The process ends with the hub, and names it.
    std::future::pending::<()>().await;
}
