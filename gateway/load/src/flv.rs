//! A player of HTTP-FLV.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::Failure;
use crate::rtmp::Stamp;

/// One that has been let in.
pub(crate) struct Reader {
    socket: BufReader<TcpStream>,
    tag: Vec<u8>,
}

impl Reader {
    pub(crate) async fn open(server: SocketAddr, path: &str) -> Result<Self, Failure> {
        let mut socket = BufReader::new(TcpStream::connect(server).await?);
        // Of HTTP/1.0, so that the body comes without chunk sizes in between.
        let request = format!("GET {path} HTTP/1.0\r\nhost: {server}\r\n\r\n");
        socket.write_all(request.as_bytes()).await?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if socket.read_line(&mut head).await? == 0 {
                return Err("the media server has hung up".into());
            }
        }
        if head.split(' ').nth(1) != Some("200") {
            return Err(format!("the media server says {head:.40}").into());
        }
        socket.read_exact(&mut [0; FILE_HEADER]).await?;
        Ok(Self { socket, tag: Vec::new() })
    }

    /// The next packet with a stamp.
    pub(crate) async fn next(&mut self) -> Result<Stamp, Failure> {
        loop {
            let mut head = [0; TAG_HEADER];
            self.socket.read_exact(&mut head).await?;
            let length = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
            // The length comes again after the body.
            self.tag.resize(length + 4, 0);
            self.socket.read_exact(&mut self.tag).await?;
            if let Some(stamp) = Stamp::read(&self.tag) {
                return Ok(stamp);
            }
        }
    }
}

const FILE_HEADER: usize = 13;
const TAG_HEADER: usize = 11;
