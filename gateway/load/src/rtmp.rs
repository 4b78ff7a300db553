//! Publishers and players, whose packets carry the time at which they were sent.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, PublishRequestType,
};
use rml_rtmp::time::RtmpTimestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep_until;

use crate::Failure;

/// What a publisher sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Bits of pictures and sound a second.
    pub(crate) kbps: usize,
    /// Between key frames.
    pub(crate) gop: Duration,
}

/// When a packet was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Nanoseconds since the epoch of the measurement.
    pub(crate) sent: u64,
    /// Whether a picture can begin with it.
    pub(crate) is_key: bool,
}

impl Stamp {
    /// Writes the body of a sound or a picture of this size.
    fn write(self, is_video: bool, size: usize) -> Bytes {
        let head: &[u8] = match (is_video, self.is_key) {
            (true, true) => &[0x17, 1, 0, 0, 0],
            (true, false) => &[0x27, 1, 0, 0, 0],
            (false, _) => &[0xaf, 1],
        };
        let unit = u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes();
        let mut body = [head, &unit, MARK, &self.sent.to_be_bytes()].concat();
        body.resize(body.len().max(head.len() + unit.len() + size), 0xa5);
        body.into()
    }

    /// Reads it from such a body; headers and metadata have none.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let head = if body.first()? & 0xf0 == 0xa0 { 2 } else { 5 };
        let mut marked = body.get(head + 4..)?.strip_prefix(MARK)?;
        let sent = (marked.len() >= 8).then(|| marked.get_u64())?;
        Some(Self { sent, is_key: body.first() == Some(&0x17) })
    }
}

/// An RTMP client that is connected.
pub(crate) struct Client {
    socket: TcpStream,
    session: ClientSession,
    scratch: Vec<u8>,
    /// What was read and not looked at yet, the last first.
    heard: Vec<ClientSessionResult>,
}

impl Client {
    async fn connect(server: SocketAddr) -> Result<Self, Failure> {
        let mut socket = TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        let mut handshake = Handshake::new(PeerType::Client);
        socket.write_all(&handshake.generate_outbound_p0_and_p1()?).await?;
        let mut scratch = vec![0; BUFFER];
        loop {
            match handshake.process_bytes(read(&mut socket, &mut scratch).await?)? {
                HandshakeProcessResult::InProgress { response_bytes } => {
                    socket.write_all(&response_bytes).await?
                }
                HandshakeProcessResult::Completed { response_bytes, .. } => {
                    socket.write_all(&response_bytes).await?;
                    break;
                }
            }
        }
        let (session, first) = ClientSession::new(ClientSessionConfig::new())?;
        let mut client = Self { socket, session, scratch, heard: Vec::new() };
        for result in first {
            client.answer(result).await?;
        }
        let request = client.session.request_connection("live".to_owned())?;
        client.answer(request).await?;
        client.until(|event| matches!(event, ClientSessionEvent::ConnectionRequestAccepted)).await?;
        Ok(client)
    }

    pub(crate) async fn publish(server: SocketAddr, key: &str) -> Result<Self, Failure> {
        let mut client = Self::connect(server).await?;
        let request = client.session.request_publishing(key.to_owned(), PublishRequestType::Live)?;
        client.answer(request).await?;
        client.until(|event| matches!(event, ClientSessionEvent::PublishRequestAccepted)).await?;
        Ok(client)
    }

    pub(crate) async fn play(server: SocketAddr, key: &str) -> Result<Self, Failure> {
        let mut client = Self::connect(server).await?;
        let request = client.session.request_playback(key.to_owned())?;
        client.answer(request).await?;
        client.until(|event| matches!(event, ClientSessionEvent::PlaybackRequestAccepted)).await?;
        Ok(client)
    }

    /// Sends pictures and sound at their times, for ever; says of each when it goes out.
    pub(crate) async fn send(
        mut self,
        pace: Pace,
        epoch: Instant,
        mut sent: impl FnMut(Stamp),
    ) -> Result<(), Failure> {
        self.packet(
            true,
            &[
                0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1f, 1, 0, 4,
                0x68, 0xce, 0x3c, 0x80,
            ],
            Duration::ZERO,
        )
        .await?;
        self.packet(false, &[0xaf, 0, 0x12, 0x10], Duration::ZERO).await?;
        let frames_a_gop = (pace.gop.as_millis() / PICTURE.as_millis()).max(1) as usize;
        let sound = SOUND_KBPS * SOUND.as_micros() as usize / 8000;
        let bytes_a_gop = pace.kbps.saturating_sub(SOUND_KBPS) * pace.gop.as_millis() as usize / 8;
        // A key frame is as large as five others.
        let picture = bytes_a_gop / (frames_a_gop + 4);
        let start = Instant::now();
        let (mut pictures, mut sounds) = (0_u32, 0_u32);
        loop {
            let (next_picture, next_sound) = (PICTURE * pictures, SOUND * sounds);
            let (is_video, due) =
                if next_picture <= next_sound { (true, next_picture) } else { (false, next_sound) };
            sleep_until((start + due).into()).await;
            // Read what the server asks and acknowledges, or its side fills up.
            self.take_what_is_there().await?;
            let is_key = is_video && (pictures as usize).is_multiple_of(frames_a_gop);
            let size = if is_key {
                5 * picture
            } else if is_video {
                picture
            } else {
                sound
            };
            let stamp = Stamp { sent: nanos(epoch), is_key };
            sent(stamp);
            self.packet(is_video, &stamp.write(is_video, size), due).await?;
            if is_video { pictures += 1 } else { sounds += 1 }
        }
    }

    /// The next packet with a stamp.
    pub(crate) async fn next(&mut self) -> Result<Stamp, Failure> {
        let body = |event| {
            if let ClientSessionEvent::VideoDataReceived { data, .. }
            | ClientSessionEvent::AudioDataReceived { data, .. } = event
            {
                Stamp::read(&data)
            } else {
                None
            }
        };
        loop {
            if let Some(stamp) = self.event().await?.and_then(body) {
                return Ok(stamp);
            }
        }
    }

    async fn packet(&mut self, is_video: bool, body: &[u8], at: Duration) -> Result<(), Failure> {
        let (body, time) = (Bytes::copy_from_slice(body), RtmpTimestamp::new(at.as_millis() as u32));
        let packet = if is_video {
            self.session.publish_video_data(body, time, false)?
        } else {
            self.session.publish_audio_data(body, time, false)?
        };
        self.answer(packet).await
    }

    async fn until(&mut self, is_wanted: impl Fn(&ClientSessionEvent) -> bool) -> Result<(), Failure> {
        loop {
            match self.event().await? {
                Some(event) if is_wanted(&event) => return Ok(()),
                Some(ClientSessionEvent::UnhandleableOnStatusCode { code })
                    if code != "NetStream.Play.Reset" =>
                {
                    return Err(format!("the media server says {code}").into());
                }
                Some(_) | None => {}
            }
        }
    }

    /// What the server says next, if the session makes anything of it.
    async fn event(&mut self) -> Result<Option<ClientSessionEvent>, Failure> {
        if self.heard.is_empty() {
            let bytes = read(&mut self.socket, &mut self.scratch).await?;
            self.heard = self.session.handle_input(bytes)?;
            self.heard.reverse();
        }
        match self.heard.pop() {
            Some(ClientSessionResult::RaisedEvent(event)) => Ok(Some(event)),
            Some(response @ ClientSessionResult::OutboundResponse(_)) => {
                self.answer(response).await.map(|()| None)
            }
            Some(ClientSessionResult::UnhandleableMessageReceived(_)) | None => Ok(None),
        }
    }

    async fn take_what_is_there(&mut self) -> Result<(), Failure> {
        while let Ok(length @ 1..) = self.socket.try_read(&mut self.scratch) {
            for result in self.session.handle_input(&self.scratch[..length])? {
                self.answer(result).await?;
            }
        }
        Ok(())
    }

    async fn answer(&mut self, result: ClientSessionResult) -> Result<(), Failure> {
        if let ClientSessionResult::OutboundResponse(packet) = result {
            self.socket.write_all(&packet.bytes).await?;
        }
        Ok(())
    }
}

async fn read<'a>(socket: &mut TcpStream, buffer: &'a mut [u8]) -> Result<&'a [u8], Failure> {
    match socket.read(buffer).await? {
        0 => Err("the media server has hung up".into()),
        length => Ok(&buffer[..length]),
    }
}

/// How long it is since the epoch.
pub(crate) fn nanos(epoch: Instant) -> u64 {
    u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

const BUFFER: usize = 16 * 1024;
/// In no picture of ours by chance.
const MARK: &[u8] = b"nertc-load:";
const PICTURE: Duration = Duration::from_millis(40);
/// 1,024 samples of 44.1 kHz.
const SOUND: Duration = Duration::from_micros(23_220);
const SOUND_KBPS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written_and_nothing_else_is_one() {
        for (is_video, is_key, head) in [(true, true, 9), (true, false, 9), (false, false, 6)] {
            let stamp = Stamp { sent: 1_234_567_890_123, is_key };
            let body = stamp.write(is_video, 500);
            assert_eq!((Stamp::read(&body), body.len()), (Some(stamp), head + 500));
            assert_eq!(Stamp::read(&stamp.write(is_video, 0)), Some(stamp), "it always fits");
            for length in 0..head + MARK.len() + 8 {
                assert_eq!(Stamp::read(&body[..length]), None);
            }
        }
        assert_eq!(Stamp::read(&[0x17, 0, 0, 0, 0, 1, 0x42]), None);
    }
}
