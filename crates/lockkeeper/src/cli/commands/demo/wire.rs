//! HTTP as far as the demo's shop, its deploys and its customers need it: one request on a connection, and its answer.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The first line of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    pub path: String,
}

/// No request of the demo is longer.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Reads a request; nothing when the client says nothing.
pub async fn asked(stream: &mut TcpStream) -> io::Result<Option<Asked>> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut part).await?;
        if read == 0 || head.len() > HEAD_BYTES_MAX {
            return Ok(None);
        }
        head.extend_from_slice(&part[..read]);
    }
    Ok(request_line(&String::from_utf8_lossy(&head)))
}

fn request_line(head: &str) -> Option<Asked> {
    let mut words = head.lines().next()?.split(' ');
    Some(Asked { method: words.next()?.to_owned(), path: words.next()?.to_owned() })
}

/// Answers it, and is done with the connection.
pub async fn answer(stream: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    let reason = if status == 200 { "OK" } else { "Error" };
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    stream.shutdown().await
}

/// Asks, and reads the whole answer: its status and its body.
pub async fn ask(address: SocketAddr, method: &str, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes);
    said(&text).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no whole answer"))
}

/// An answer that was cut off is none.
fn said(text: &str) -> Option<(u16, String)> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let length: usize = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
    (body.len() == length).then(|| (status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_stands_in_the_first_line() {
        let expected = Asked { method: "PUT".to_owned(), path: "/customers/7".to_owned() };
        assert_eq!(request_line("PUT /customers/7 HTTP/1.1\r\nHost: x\r\n\r\n"), Some(expected));
        assert_eq!(request_line("nonsense"), None);
    }

    #[test]
    fn an_answer_that_was_cut_off_is_none() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        assert_eq!(said(whole), Some((200, "hello".to_owned())));
        for end in 0..whole.len() {
            assert_eq!(said(&whole[..end]), None, "{end}");
        }
    }
}
