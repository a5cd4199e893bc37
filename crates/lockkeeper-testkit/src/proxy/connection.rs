//! One connection of the program: what it sends and what the server answers, each on a thread of its own.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::frame::{FLUSH, Frame, Opening, PARSE, QUERY, READY_FOR_QUERY, SYNC, TERMINATE};
use super::{Fault, Shared};

/// Serves a connection until either side hangs up.
pub(super) fn serve(client: &TcpStream, shared: &Arc<Shared>) {
    // A side that hangs up is how connections end, well or not: the program says what it made of that.
    let _ = open(client, shared);
    let _ = client.shutdown(Shutdown::Both);
}

fn open(mut client: &TcpStream, shared: &Arc<Shared>) -> Result<()> {
    client.set_nodelay(true)?;
    loop {
        let (opening, frame) = Frame::read_opening(&mut client)?;
        match opening {
            // Nothing is encrypted here.
            Opening::Encryption => client.write_all(b"N")?,
            Opening::Cancel => {
                let mut server = UnixStream::connect(&shared.upstream)?;
                server.write_all(&frame.bytes)?;
                // The server closes it once the request is through.
                return server.read(&mut [0; 1]).map(|_| ());
            }
            Opening::Startup => {
                let mut server = UnixStream::connect(&shared.upstream)?;
                {
                    let mut state = shared.state();
                    if state.is_over {
                        return Ok(());
                    }
                    state.open.push((client.try_clone()?, server.try_clone()?));
                }
                server.write_all(&frame.bytes)?;
                return pass(client, &server, shared);
            }
        }
    }
}

/// What the thread that reads the answers has to do besides passing them on.
#[derive(Debug, Default)]
struct Replies {
    /// `ReadyForQuery` messages that came so far, the one at the end of the connection's start included.
    ready: usize,
    /// From this `ReadyForQuery` on nothing is passed on; its coming is told.
    lose: Option<(usize, Sender<()>)>,
}

fn pass(client: &TcpStream, server: &UnixStream, shared: &Arc<Shared>) -> Result<()> {
    let replies = Arc::new(Mutex::new(Replies::default()));
    let (from, to, kept) = (server.try_clone()?, client.try_clone()?, Arc::clone(&replies));
    let answers = std::thread::spawn(move || {
        let ended = answer(from, &to, &kept);
        // A server that hung up is a client that must hear of it.
        let _ = to.shutdown(Shutdown::Both);
        ended
    });
    let ended = ask(client, server, shared, &replies);
    let _ = server.shutdown(Shutdown::Both);
    let _ = answers.join();
    ended
}

/// From the server to the program.
fn answer(mut server: UnixStream, mut client: &TcpStream, replies: &Mutex<Replies>) -> Result<()> {
    loop {
        let frame = Frame::read(&mut server)?;
        let mut replies = replies.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ready = frame.letter() == READY_FOR_QUERY;
        match &replies.lose {
            Some((last, lost)) if replies.ready + 1 >= *last => {
                if is_ready {
                    // Whoever waits for this breaks the connections.
                    let _ = lost.send(());
                    return Ok(());
                }
            }
            _ => client.write_all(&frame.bytes)?,
        }
        replies.ready += usize::from(is_ready);
    }
}

/// From the program to the server.
fn ask(mut client: &TcpStream, mut server: &UnixStream, shared: &Shared, replies: &Mutex<Replies>) -> Result<()> {
    // The start of the connection is answered with the first one.
    let mut answers = 1;
    let mut group: Vec<Frame> = Vec::new();
    loop {
        let frame = Frame::read(&mut client)?;
        let letter = frame.letter();
        group.push(frame);
        match letter {
            QUERY | SYNC => {}
            // Whoever asks for answers before the end of the group waits for them.
            FLUSH | TERMINATE => {
                server.write_all(&bytes(&group))?;
                group.clear();
                continue;
            }
            // Passwords and copied rows would come here as well: they go with what follows them.
            _ => continue,
        }
        answers += 1;
        let text = group.iter().filter_map(Frame::sql).collect::<Vec<_>>().join("; ");
        let fault = shared.count(text.clone());
        let message = bytes(&group);
        match fault {
            None => server.write_all(&message)?,
            Some(Fault::KillBefore) => {
                shared.kill();
                shared.break_all();
            }
            Some(Fault::KillAfter) => {
                server.write_all(&message)?;
                shared.kill();
                shared.break_all();
            }
            Some(Fault::Cut) => {
                server.write_all(&message[..message.len() / 2])?;
                shared.break_all();
            }
            Some(Fault::LoseReply) => {
                let (lost, gone) = channel();
                replies.lock().unwrap_or_else(PoisonError::into_inner).lose = Some((answers, lost));
                server.write_all(&message)?;
                wait(&gone);
                shared.break_all();
            }
            Some(Fault::Fail(sqlstate)) => server.write_all(&bytes(&failing(&group, &text, sqlstate)))?,
            Some(Fault::Call(hook)) => {
                hook();
                // A server that is gone closes the connection; that is what the program is to see.
                match server.write_all(&message) {
                    Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
                    _ => {}
                }
            }
        }
        group.clear();
    }
}

/// Waits for the answer that is to be lost. An error means that the server hung up instead, which is as good.
fn wait(gone: &Receiver<()>) {
    let _ = gone.recv();
}

fn bytes(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.bytes.iter().copied()).collect()
}

/// The same messages with a text that the server fails. A statement with parameters fails when it is parsed, and
/// the server skips the rest of its group.
fn failing(group: &[Frame], text: &str, sqlstate: &str) -> Vec<Frame> {
    if text.trim().eq_ignore_ascii_case("ROLLBACK") {
        return group.to_vec();
    }
    let message = Fault::MESSAGE;
    let raise =
        format!("DO $fault$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}', MESSAGE = '{message}'; END $fault$");
    // A syntax error fails at once, without a look at the parameters.
    let unreadable = format!("FAULT: {message}");
    let changed = group.iter().map(|frame| match frame.letter() {
        QUERY => frame.with_sql(&raise),
        PARSE => frame.with_sql(&unreadable),
        _ => frame.clone(),
    });
    changed.collect()
}
