//! Servers that say what a real one says only at bad moments.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use lockkeeper_engine::postgres::{ChannelBinding, Host, Secret, SslMode, Target};

/// Where nothing listens: a port that was free a moment ago.
pub fn unused_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Answers every connection with `talk`, on a thread that ends with the process.
pub fn serve(talk: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            talk(stream);
        }
    });
    port
}

pub fn target(port: u16, sslmode: SslMode) -> Target {
    Target {
        host: Host::Tcp("127.0.0.1".to_owned()),
        port,
        database: "postgres".to_owned(),
        user: "postgres".to_owned(),
        password: Some(Secret::new("hunter2")),
        sslmode,
        sslrootcert: None,
        sslcert: None,
        sslkey: None,
        channel_binding: ChannelBinding::Prefer,
        certificates_dir: None,
        connect_timeout: Some(std::time::Duration::from_secs(5)),
        application_name: "lockkeeper".to_owned(),
    }
}

/// Reads the startup packet, which carries its length in front.
pub fn read_startup(stream: &mut TcpStream) {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut rest = vec![0; u32::from_be_bytes(length) as usize - 4];
    stream.read_exact(&mut rest).unwrap();
}

/// Reads one message that has a type.
pub fn read_message(stream: &mut TcpStream) {
    let mut kind = [0];
    stream.read_exact(&mut kind).unwrap();
    read_startup(stream);
}

/// A message of the protocol: type, length, body.
pub fn send(stream: &mut TcpStream, kind: u8, body: &[u8]) {
    let length = u32::try_from(body.len() + 4).unwrap();
    let bytes = [&[kind], &length.to_be_bytes()[..], body].concat();
    stream.write_all(&bytes).unwrap();
}

pub fn send_error(stream: &mut TcpStream, sqlstate: &str, text: &str) {
    let body = format!("SFATAL\0VFATAL\0C{sqlstate}\0M{text}\0\0");
    send(stream, b'E', body.as_bytes());
}

/// Lets the client in and answers its first query with one row.
pub fn let_in_and_answer(stream: &mut TcpStream, values: &[&str]) {
    read_startup(stream);
    send(stream, b'R', &[0, 0, 0, 0]);
    send(stream, b'Z', b"I");
    read_message(stream);
    let columns = u16::try_from(values.len()).unwrap();
    let mut description = columns.to_be_bytes().to_vec();
    let mut row = description.clone();
    for value in values {
        description.extend(b"x\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
        row.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        row.extend(value.as_bytes());
    }
    send(stream, b'T', &description);
    send(stream, b'D', &row);
    send(stream, b'C', b"SELECT 1\0");
    send(stream, b'Z', b"I");
}
