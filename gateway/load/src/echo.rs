//! The limit: a server that gives each frame back, and knows nothing of rooms. One read and one write for each.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;

use crate::Failure;

/// Serves on one thread until standard input is closed.
///
/// # Errors
///
/// Nobody can be listened to.
pub fn serve() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(|| {
        let _closed = std::io::stdin().read_line(&mut String::new());
        std::process::exit(0);
    });
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("ready {{\"http\":\"{}\"}}", listener.local_addr()?);
        loop {
            let (socket, _) = listener.accept().await?;
            tokio::spawn(echo(socket));
        }
    })
}

async fn echo(socket: TcpStream) -> Result<(), Failure> {
    socket.set_nodelay(true)?;
    let mut socket = accept_async(socket).await?.into_inner();
    let mut frame = vec![0; LONGEST];
    loop {
        // Whoever measures waits for the answer before it sends the next one: a read is a frame.
        let length = socket.read(&mut frame).await?;
        let Some((head, body)) = frame[..length].split_at_mut_checked(6) else { return Ok(()) };
        let (start, mask) = head.split_at_mut(2);
        start[1] &= 0x7f;
        if usize::from(start[1]) != body.len() {
            return Ok(());
        }
        body.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        // A server's frame has no mask.
        mask.copy_from_slice(&[0, 0, start[0], start[1]]);
        socket.write_all(&frame[4..length]).await?;
    }
}

/// A frame whose length is in its second byte.
const LONGEST: usize = 6 + 125;
