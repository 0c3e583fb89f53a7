//! Log lines: text on a terminal, else JSON, written by a thread of their own so that no shard waits for a pipe.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use tasks::Tasks;
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::Level;
use crate::limits::{LOG_BYTES, LOG_DELAY};

/// Lines that wait to be written.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Lines that found no room.
    lost: u64,
    urgent: bool,
}

struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
    /// Held while bytes go out, so that they go out in order.
    out: Mutex<Box<dyn Write + Send>>,
}

/// Takes lines and writes them soon. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Shared>);

static LINES: OnceLock<Lines> = OnceLock::new();

/// Logs to standard error from here on. Later calls change nothing.
pub(crate) fn start(level: Level, tasks: &Tasks) {
    let mut made = false;
    let lines = LINES.get_or_init(|| {
        made = true;
        Lines::new(Box::new(io::stderr()))
    });
    if !made {
        return;
    }
    let writer = lines.clone();
    // It lives as long as the process.
    if tasks.thread("log", move || writer.write_for_ever()).is_err() {
        return;
    }
    let level = match level {
        Level::Error => tracing::Level::ERROR,
        Level::Warn => tracing::Level::WARN,
        Level::Info => tracing::Level::INFO,
        Level::Debug => tracing::Level::DEBUG,
        Level::Trace => tracing::Level::TRACE,
    };
    let terminal = io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(lines.clone());
    // A subscriber that is set already belongs to a test.
    let _ = if terminal {
        tracing::subscriber::set_global_default(subscriber.with_ansi(true).compact().finish())
    } else {
        let json = subscriber.json().flatten_event(true).with_current_span(false).with_span_list(false);
        tracing::subscriber::set_global_default(json.finish())
    };
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        flush();
        before(panic);
    }));
}

/// Writes what waits, before the process ends.
pub(crate) fn flush() {
    if let Some(lines) = LINES.get() {
        lines.write_waiting();
    }
}

impl Lines {
    fn new(out: Box<dyn Write + Send>) -> Lines {
        Lines(Arc::new(Shared { waiting: Mutex::default(), more: Condvar::new(), out: Mutex::new(out) }))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_for_ever(&self) {
        loop {
            let waiting = self.waiting();
            let waiting = self.0.more.wait_while(waiting, |waiting| waiting.bytes.is_empty());
            let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            // A little later there are more lines for the same system call.
            drop(self.0.more.wait_timeout_while(waiting, LOG_DELAY, |waiting| !waiting.urgent));
            self.write_waiting();
        }
    }

    fn write_waiting(&self) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = std::mem::take(&mut *self.waiting());
        // Nobody can be told when the log itself fails.
        let _ = out.write_all(&waiting.bytes);
        if waiting.lost > 0 {
            let _ = writeln!(
                out,
                "{} log lines were lost: they came faster than they could be written",
                waiting.lost
            );
        }
        let _ = out.flush();
    }
}

/// Writes the line of one event.
pub(crate) struct Line {
    lines: Lines,
    urgent: bool,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { lines: self.clone(), urgent: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        Line { lines: self.clone(), urgent: *metadata.level() <= tracing::Level::WARN }
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.lines.waiting();
        if waiting.bytes.len() + line.len() > LOG_BYTES {
            waiting.lost += 1;
            return Ok(line.len());
        }
        let first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        waiting.urgent |= self.urgent;
        drop(waiting);
        if first || self.urgent {
            self.lines.0.more.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_go_out_in_order_and_what_finds_no_room_is_counted() {
        let kept = Kept::default();
        let lines = Lines::new(Box::new(kept.clone()));
        for line in ["one\n", "two\n"] {
            lines.make_writer().write_all(line.as_bytes()).unwrap();
        }
        lines.make_writer().write_all(&vec![b'x'; LOG_BYTES]).unwrap();
        lines.write_waiting();
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "one\ntwo\n1 log lines were lost: they came faster than they could be written\n");
    }

    #[test]
    fn the_thread_writes_what_comes() {
        let (reader, writer) = io::pipe().unwrap();
        let lines = Lines::new(Box::new(writer));
        let thread = lines.clone();
        std::thread::spawn(move || thread.write_for_ever());
        lines.make_writer().write_all(b"hello\n").unwrap();
        let mut line = String::new();
        io::BufRead::read_line(&mut io::BufReader::new(reader), &mut line).unwrap();
        assert_eq!(line, "hello\n");
    }
}
