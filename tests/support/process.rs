//! Processes of the binary under test: run to their end, or kept running and talked to.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(2);

/// Waits until something is there; fails with `what` when it does not come.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait(look).unwrap_or_else(|| panic!("waited in vain for {what}"))
}

fn wait<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(LOOK);
    }
    None
}

/// A command that has ended.
#[derive(Debug)]
pub struct Done {
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Its stdout.
    pub out: String,
    /// Its stderr.
    pub err: String,
}

impl Done {
    /// Stdout as exactly one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| {
            panic!("stdout is not one JSON document ({error}): {:.500}\n{}", self.out, self.err)
        })
    }
}

/// A stream that a thread reads, so that the process never waits for a reader.
struct Stream {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn read(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// All of it; the process has ended.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}

/// A process that is ended when it is dropped.
pub struct Process {
    child: Child,
    out: Stream,
    err: Stream,
    words: String,
}

impl Process {
    pub(super) fn start(mut command: Command, words: &[&str]) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, out: Stream::read(out), err: Stream::read(err), words: words.join(" ") }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.ended().is_none()
    }

    /// What it has said on stdout and stderr so far.
    pub fn said(&self) -> String {
        self.out.so_far() + &self.err.so_far()
    }

    /// Sends it a signal by name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(done.unwrap().success(), "kill -{name}");
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a loss of power would, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub fn end(mut self) -> Done {
        let words = format!("the end of `swarm {}`", self.words);
        let status = until(&words, || self.ended());
        Done { code: status.code(), out: self.out.all(), err: self.err.all() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
pub fn to_the_end(command: Command, words: &[&str]) -> Done {
    Process::start(command, words).end()
}

/// A running swarm that has said where its API is.
pub struct Running {
    /// The process.
    pub process: Process,
    /// Where its API is.
    pub address: SocketAddr,
}

impl Running {
    pub(super) fn start(command: Command, words: &[&str]) -> Self {
        let mut process = Process::start(command, words);
        let greeting = "status page http://";
        let address = until("the greeting", || {
            let ended = !process.runs();
            let text = if ended { process.out.all() + &process.err.all() } else { process.said() };
            let rest = text.find(greeting).map(|at| &text[at + greeting.len()..]).filter(|rest| rest.contains('\n'));
            assert!(rest.is_some() || !ended, "`swarm {}` ended before it greeted: {text}", process.words);
            rest.map(|rest| rest.split(['/', '\n']).next().unwrap().parse().unwrap())
        });
        Self { process, address }
    }

    /// As `--api` wants it.
    pub fn api(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `GET`s JSON.
    pub fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path)).unwrap()
    }

    /// `GET`s text.
    pub fn text(&self, path: &str) -> String {
        let (status, body) = http(self.address, path).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The state of everything.
    pub fn status(&self) -> Value {
        self.get("/api/v1/swarm")
    }

    /// Waits until the state of everything is as wanted.
    pub fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = wait(|| {
            last = self.status();
            is(&last).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("waited in vain for {what}: {last:#}"))
    }

    /// The lines of a stream of events, from now on.
    pub fn events(&self) -> impl Iterator<Item = String> + use<> {
        let mut stream = ask(self.address, "/api/v1/events").unwrap();
        let (status, mut reader) = head(&mut stream).unwrap();
        assert_eq!(status, 200);
        std::iter::from_fn(move || {
            let mut line = String::new();
            let count = reader.read_line(&mut line).expect("an event in time");
            (count > 0).then(|| line.trim_end().to_owned())
        })
    }
}

fn ask(address: SocketAddr, path: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // HTTP/1.0: the answer ends where the connection does.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    Ok(stream)
}

fn head(stream: &mut TcpStream) -> std::io::Result<(u16, BufReader<TcpStream>)> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other(format!("no HTTP: {line}")))?;
    while reader.read_line(&mut line)? > 2 {}
    Ok((status, reader))
}

/// `GET`s a path: status and body.
pub fn http(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = ask(address, path)?;
    let (status, mut reader) = head(&mut stream)?;
    let mut body = String::new();
    reader.read_to_string(&mut body)?;
    Ok((status, body))
}
