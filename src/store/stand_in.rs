//! A server that speaks Redis's language and answers as a test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

/// What it was asked: the words of each command.
pub type Asked = Arc<Mutex<Vec<Vec<String>>>>;

/// Its port, and what it is asked. `answer` has the number of the connection and the command; what it has no answer to
/// is never answered.
pub fn redis(answer: impl Fn(usize, &[String]) -> Option<String> + Send + Sync + 'static) -> (u16, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, answer) = (Asked::default(), Arc::new(answer));
    let told = asked.clone();
    spawn(move || {
        for (number, peer) in listener.incoming().enumerate() {
            let (peer, answer, told) = (peer.unwrap(), answer.clone(), told.clone());
            spawn(move || serve(peer, &told, &|command| answer(number, command)));
        }
    });
    (port, asked)
}

fn serve(mut peer: TcpStream, asked: &Asked, answer: &dyn Fn(&[String]) -> Option<String>) {
    let mut reader = BufReader::new(peer.try_clone().unwrap());
    while let Some(count) = number(&mut reader) {
        let mut command = Vec::with_capacity(count);
        for _ in 0..count {
            let Some(length) = number(&mut reader) else { return };
            let mut word = vec![0; length + 2];
            if reader.read_exact(&mut word).is_err() {
                return;
            }
            command.push(String::from_utf8_lossy(&word[..length]).into_owned());
        }
        let is_greeting = command[0] == "CLIENT";
        let answered = if is_greeting { Some("+OK\r\n".to_owned()) } else { answer(&command) };
        if !is_greeting {
            asked.lock().unwrap().push(command);
        }
        if answered.is_some_and(|text| peer.write_all(text.as_bytes()).is_err()) {
            return;
        }
    }
}

/// The number of a line like `*3` or `$5`.
fn number(reader: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    line.trim_end().get(1..)?.parse().ok()
}
