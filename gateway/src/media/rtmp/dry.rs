//! A connection without a socket and without an engine, for whoever tries the parsers on bytes.

use bytes::{Buf as _, Bytes};

use super::session::{ServerSession, SessionEvent};
use crate::media::broker::Packet;
use crate::media::engine::EmbeddedLimits;

/// One RTMP connection after its handshake. Whatever it asks for is granted.
#[derive(Debug)]
pub struct DryConnection {
    session: ServerSession,
}

/// What a socket brings at once.
const READ: usize = 64 * 1024;

impl Default for DryConnection {
    fn default() -> Self {
        Self { session: ServerSession::new(EmbeddedLimits::default().message_bytes) }
    }
}

impl DryConnection {
    /// Takes bytes in as a socket brings them, and says which media they were.
    ///
    /// # Errors
    ///
    /// Says why a connection would have ended, which may be that its client was done.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Packet>, String> {
        let mut media = Vec::new();
        for piece in bytes.chunks(READ) {
            self.session.buffer().extend_from_slice(piece);
            self.session.received(piece.len());
            loop {
                match self.session.poll_event() {
                    Ok(Some(SessionEvent::Media(packet))) => media.push(packet),
                    Ok(Some(SessionEvent::Request(..))) => self.session.accept(),
                    Ok(Some(SessionEvent::Alive)) => {}
                    Ok(Some(SessionEvent::Finished)) => return Err("finished".to_owned()),
                    Ok(None) => break,
                    Err(error) => {
                        self.session.refuse(&error.to_string());
                        return Err(error.to_string());
                    }
                }
            }
        }
        Ok(media)
    }

    /// Queues a packet for the client, if it plays.
    pub fn send(&mut self, packet: &Packet) {
        self.session.send(packet.clone());
    }

    /// Takes what the client would be sent.
    pub fn take_output(&mut self) -> Bytes {
        let outgoing = self.session.outgoing();
        outgoing.copy_to_bytes(outgoing.remaining())
    }
}
