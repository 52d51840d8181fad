//! A keep-alive HTTP/1.1 client of one connection, with nothing on it that takes time.
//!
//! Requests are bytes made before; an answer is its status and its body. Bodies have a length or are chunked.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// One connection, made anew when the server closes it.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What was answered; the body is in the client's buffer until the next request.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// Where the parts of an answer end.
struct Extent {
    status: u16,
    head: usize,
    length: Length,
    closes: bool,
}

enum Length {
    Known(usize),
    Chunked,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            buffer: Vec::new(),
        }
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        match timeout(LONGEST, self.exchange(request)).await {
            Ok(Ok((status, body))) => Ok(Answer {
                status,
                body: &self.buffer[body],
            }),
            Ok(Err(error)) => {
                self.stream = None;
                Err(error)
            }
            Err(_) => {
                self.stream = None;
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, std::ops::Range<usize>)> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            empty => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                empty.insert(stream)
            }
        };
        write_all(stream, request).await?;
        self.buffer.clear();
        let extent = loop {
            if let Some(extent) = head_of(&self.buffer)? {
                break extent;
            }
            read_more(stream, &mut self.buffer).await?;
        };
        let end = match extent.length {
            Length::Known(length) => {
                let end = extent.head + length;
                while self.buffer.len() < end {
                    read_more(stream, &mut self.buffer).await?;
                }
                end
            }
            Length::Chunked => {
                // What is read and what of it is body: chunks are moved together in place.
                let (mut at, mut end) = (extent.head, extent.head);
                loop {
                    let Some((size, from)) = chunk_at(&self.buffer, at)? else {
                        read_more(stream, &mut self.buffer).await?;
                        continue;
                    };
                    while self.buffer.len() < from + size + 2 {
                        read_more(stream, &mut self.buffer).await?;
                    }
                    if size == 0 {
                        break end;
                    }
                    self.buffer.copy_within(from..from + size, end);
                    end += size;
                    at = from + size + 2;
                }
            }
        };
        if extent.closes {
            self.stream = None;
        }
        Ok((extent.status, extent.head..end))
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn read_more(stream: &TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.reserve(READ_BYTES);
    loop {
        match stream.try_read_buf(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.readable().await?,
            Err(error) => return Err(error),
        }
    }
}

fn head_of(bytes: &[u8]) -> io::Result<Option<Extent>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| wrong())?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.get(9..12)?.parse().ok())
        .ok_or_else(wrong)?;
    let (mut length, mut closes) = (Length::Known(0), false);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            return Err(wrong());
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = Length::Known(value.parse().map_err(|_| wrong())?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.eq_ignore_ascii_case("close");
        }
    }
    Ok(Some(Extent {
        status,
        head: end + 4,
        length,
        closes,
    }))
}

/// Size and begin of the chunk at `at`; none while its first line is not there whole.
fn chunk_at(bytes: &[u8], at: usize) -> io::Result<Option<(usize, usize)>> {
    let rest = &bytes[at..];
    let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
        return Ok(None);
    };
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let digits = std::str::from_utf8(&rest[..end]).map_err(|_| wrong())?;
    let size = usize::from_str_radix(digits.trim(), 16).map_err(|_| wrong())?;
    Ok(Some((size, at + end + 2)))
}

/// A request, as bytes; the host is the machine itself.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// A request with a body.
pub(crate) fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Longer than a log lets a submitter wait; beyond it the answer is lost.
const LONGEST: Duration = Duration::from_secs(60);

/// Room for a read at the least: most answers come in one.
const READ_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_chunks_are_found_where_they_end() {
        let extent = head_of(b"HTTP/1.1 202 Accepted\r\ncontent-length: 3\r\n\r\nabc").unwrap();
        let extent = extent.unwrap();
        assert_eq!(
            (extent.status, extent.head, extent.closes),
            (202, 44, false)
        );
        assert!(matches!(extent.length, Length::Known(3)));
        assert!(head_of(b"HTTP/1.1 202 Accepted\r\n").unwrap().is_none());
        assert!(head_of(b"nonsense\r\n\r\n").is_err());
        assert_eq!(chunk_at(b"a\r\n0123456789\r\n", 0).unwrap(), Some((10, 3)));
        assert_eq!(chunk_at(b"a", 0).unwrap(), None);
        assert!(chunk_at(b"zz\r\n", 0).is_err());
    }
}
