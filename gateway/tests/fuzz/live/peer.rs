//! One connection to the gateway, and the handshakes that open it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Instant;

use super::PATIENCE;
use crate::chunks::{NULL, Writer, object, text};

/// A connection, and what was heard on it and not used yet.
#[derive(Debug)]
pub(super) struct Peer {
    socket: TcpStream,
    pub(super) heard: Vec<u8>,
}

impl Peer {
    pub(super) fn connect(addr: SocketAddr) -> Result<Self, String> {
        let socket =
            TcpStream::connect_timeout(&addr, PATIENCE).map_err(|error| format!("{addr}: {error}"))?;
        let set = socket.set_read_timeout(Some(PATIENCE)).and(socket.set_write_timeout(Some(PATIENCE)));
        set.and(socket.set_nodelay(true)).map_err(|error| error.to_string())?;
        Ok(Self { socket, heard: Vec::new() })
    }

    /// An RTMP connection after its handshake.
    pub(super) fn rtmp(addr: SocketAddr) -> Result<Self, String> {
        let mut peer = Self::connect(addr)?;
        peer.say(&[&[3][..], &[0; 1536]].concat());
        let answer = peer.take(1 + 2 * 1536)?;
        peer.say(&answer[1..=1536]);
        Ok(peer)
    }

    /// An RTMP connection that publishes or plays, as the name of the command says.
    pub(super) fn stream(addr: SocketAddr, command: &str, name: &str) -> Result<Self, String> {
        let mut peer = Self::rtmp(addr)?;
        let mut writer = Writer::default();
        writer.command(0, "connect", 1.0, &[object(&[("app", text("live"))])]);
        writer.command(0, "createStream", 2.0, &[NULL.to_vec()]);
        writer.command(1, command, 3.0, &[NULL.to_vec(), text(name), text("live")]);
        peer.say(&writer.bytes);
        let start = if command == "publish" { "NetStream.Publish.Start" } else { "NetStream.Play.Start" };
        peer.until(start.as_bytes())?;
        Ok(peer)
    }

    /// A player of HTTP-FLV, up to the body. In HTTP/1.0, so that it comes without chunk sizes.
    pub(super) fn flv(addr: SocketAddr, name: &str) -> Result<Self, String> {
        let mut peer = Self::connect(addr)?;
        let path = name.replacen('?', ".flv?", 1);
        peer.say(format!("GET /live/{path} HTTP/1.0\r\nhost: x\r\n\r\n").as_bytes());
        let head = peer.until(b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&head).into_owned();
        if head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200") {
            Ok(peer)
        } else {
            Err(head)
        }
    }

    /// Says something. The other side may have closed; whoever cares listens for its answer.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        let _closed = self.socket.write_all(bytes);
    }

    /// Has nothing more to say.
    pub(super) fn finish(&mut self) {
        let _closed = self.socket.shutdown(Shutdown::Write);
    }

    /// Takes so many bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<u8>, String> {
        let begin = Instant::now();
        while self.heard.len() < count {
            self.listen(begin)?;
        }
        Ok(self.heard.drain(..count).collect())
    }

    /// Takes everything up to the end of these words.
    pub(super) fn until(&mut self, words: &[u8]) -> Result<Vec<u8>, String> {
        let begin = Instant::now();
        loop {
            if let Some(at) = find(&self.heard, words) {
                return Ok(self.heard.drain(..at + words.len()).collect());
            }
            self.listen(begin).map_err(|error| {
                let heard = String::from_utf8_lossy(&self.heard).into_owned();
                format!("{error} before {}: {heard:?}", String::from_utf8_lossy(words))
            })?;
        }
    }

    /// Takes everything up to the end, which must come: what was heard last may be taken back by a reset.
    pub(super) fn rest(&mut self) -> Result<Vec<u8>, String> {
        let begin = Instant::now();
        loop {
            match self.hear(begin) {
                Ok(0) => return Ok(std::mem::take(&mut self.heard)),
                Ok(_) => {}
                Err(error) if is_silence(&error) => {
                    return Err(format!("the connection is still open after {PATIENCE:?}"));
                }
                Err(_) => return Ok(std::mem::take(&mut self.heard)),
            }
        }
    }

    /// Takes what comes next, whatever it is.
    pub(super) fn some(&mut self, begin: Instant) -> Result<Vec<u8>, String> {
        if self.heard.is_empty() {
            self.listen(begin)?;
        }
        Ok(std::mem::take(&mut self.heard))
    }

    fn listen(&mut self, begin: Instant) -> Result<(), String> {
        match self.hear(begin) {
            Ok(0) => Err("the connection was closed".into()),
            Ok(_) => Ok(()),
            Err(error) if is_silence(&error) => Err(format!("nothing came for {PATIENCE:?}")),
            Err(error) => Err(format!("the connection broke: {error}")),
        }
    }

    fn hear(&mut self, begin: Instant) -> std::io::Result<usize> {
        if begin.elapsed() > PATIENCE {
            return Err(ErrorKind::TimedOut.into());
        }
        let mut buffer = [0; 16 * 1024];
        let length = self.socket.read(&mut buffer)?;
        self.heard.extend_from_slice(&buffer[..length]);
        Ok(length)
    }
}

pub(super) fn find(bytes: &[u8], words: &[u8]) -> Option<usize> {
    bytes.windows(words.len()).position(|part| part == words)
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// One request and its answer: status and body.
pub(super) fn ask(addr: SocketAddr, head: &str, body: &str) -> Result<(u16, String), String> {
    let mut peer = Peer::connect(addr)?;
    let length = body.len();
    let request = format!("{head}host: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    peer.say(request.as_bytes());
    let answer = String::from_utf8_lossy(&peer.rest()?).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status.ok_or_else(|| format!("no answer: {answer:?}"))?, body.to_owned()))
}
