//! The body of a request whose operation reads it while it comes: shared by its connection and its reader.
//!
//! Nothing is read ahead of the reader, so a slow one slows its client down, and a client that waits to be told to send is told
//! so by the first read. The connection keeps an [`Inlet`]: when it is dropped the reader's body breaks off, and when the
//! request was answered it says what was not read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aws::{Fault, Member};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use tasks::Clock;

use crate::checks::{Checks, incomplete};
use crate::limits::STREAMED_BODY_BYTES;
use crate::pace::{Alarm, Waited};
use crate::reading::Held;

/// The client went away, or sent no HTTP.
#[derive(Debug)]
pub(crate) struct Cut;

/// The bytes as they come over the wire.
pub(crate) type Raw = UnsyncBoxBody<Bytes, Cut>;

struct Shared(Mutex<State>);

struct State {
    body: Option<Raw>,
    /// Who waits for the next piece.
    reader: Option<Waker>,
    /// Everything was read.
    ended: bool,
    received: u64,
    /// Why the reader gets no more.
    fault: Option<Fault>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection's end of a body. Dropped, it cuts the body off.
pub(crate) struct Inlet(Arc<Shared>);

/// The reader's end of a body, before it goes through its checks.
pub(crate) struct Coming {
    shared: Arc<Shared>,
    clock: Clock,
    patience: Duration,
    waited: Waited,
    alarm: Alarm,
}

/// What was left of a body when its request was answered.
pub(crate) enum Rest {
    /// Nothing.
    Nothing,
    /// It broke off.
    Broken,
    /// This, of which nothing was asked for yet if `untouched`.
    Left {
        /// The bytes to come.
        body: Raw,
        /// Whether the client was not even told to send it.
        untouched: bool,
    },
}

/// Learns what became of a body that went to its reader.
pub(crate) struct Watch(Arc<Shared>);

/// The two ends of a body whose client may keep its reader waiting for so long, before what its bytes earn.
pub(crate) fn pair(body: Raw, clock: Clock, patience: Duration) -> (Inlet, Coming) {
    let state = State { body: Some(body), reader: None, ended: false, received: 0, fault: None };
    let shared = Arc::new(Shared(Mutex::new(state)));
    let coming = Coming {
        shared: shared.clone(),
        clock,
        patience,
        waited: Waited::default(),
        alarm: Alarm::default(),
    };
    (Inlet(shared), coming)
}

impl Inlet {
    /// Takes what was not read. The reader gets nothing from now on.
    pub(crate) fn rest(self) -> Rest {
        let mut state = self.0.lock();
        match state.body.take() {
            _ if state.ended => Rest::Nothing,
            Some(body) => Rest::Left { body, untouched: state.received == 0 },
            None => Rest::Broken,
        }
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.body = None;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }
}

impl Watch {
    /// Why the reader got no more, if the body was not as it should be.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.0.lock().fault.clone()
    }

    /// How many bytes came over the wire.
    pub(crate) fn received(&self) -> u64 {
        self.0.lock().received
    }
}

impl Coming {
    pub(crate) fn watch(&self) -> Watch {
        Watch(self.shared.clone())
    }

    /// How many bytes are to come over the wire, where it is known.
    fn announced(&self) -> Option<u64> {
        self.shared.lock().body.as_ref().and_then(|body| body.size_hint().exact())
    }

    /// The body for its operation, which holds what it holds of it within `held`.
    ///
    /// # Errors
    /// When it says that it is too large.
    pub(crate) fn through(self, checks: Checks, held: Held) -> Result<wire::Stream, Fault> {
        let left = checks.length(self.announced());
        if let Some(length) = left.filter(|length| *length > STREAMED_BODY_BYTES) {
            return Err(too_large(length));
        }
        let (input, kept) = (Bytes::new(), None);
        Ok(wire::Stream::new(Checked { coming: self, checks: Some(checks), input, kept, held, left, out: 0 }))
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        let mut state = self.shared.lock();
        loop {
            if state.ended {
                return Poll::Ready(None);
            }
            let Some(body) = &mut state.body else { return Poll::Ready(Some(Err(incomplete()))) };
            match Pin::new(body).poll_frame(cx) {
                Poll::Pending => {
                    let now = self.clock.tick();
                    let deadline = self.waited.until(now, self.patience);
                    if self.alarm.rings(&self.clock, deadline, cx) {
                        // Nobody waits any longer for what is left.
                        state.body = None;
                        return Poll::Ready(Some(Err(too_slow())));
                    }
                    state.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(None) => state.ended = true,
                Poll::Ready(Some(Err(Cut))) => state.body = None,
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    if self.waited.is_something() {
                        self.waited.settle(self.clock.tick(), bytes.len() as u64);
                    }
                    state.received += bytes.len() as u64;
                    return Poll::Ready(Some(Ok(bytes)));
                }
            }
        }
    }

    fn refuse(&self, fault: Fault) -> Fault {
        self.shared.lock().fault = Some(fault.clone());
        fault
    }
}

/// A body that comes out of its checks. The last piece is kept until all of it is known to be right, so that nobody sees the
/// end of a wrong one.
struct Checked {
    coming: Coming,
    /// `None` when it has ended, well or not.
    checks: Option<Checks>,
    input: Bytes,
    kept: Option<Bytes>,
    held: Held,
    /// How much is to come out, where it is known.
    left: Option<u64>,
    out: u64,
}

impl Checked {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        while let Some(checks) = &mut self.checks {
            match checks.take(&mut self.input)? {
                None => {}
                Some(piece) => {
                    self.out += piece.len() as u64;
                    if self.out > STREAMED_BODY_BYTES {
                        return Poll::Ready(Some(Err(too_large(self.out))));
                    }
                    let holds = checks.held() + piece.len() as u64;
                    let before = self.kept.replace(piece);
                    if !self.held.set(holds) {
                        return Poll::Ready(Some(Err(no_room())));
                    }
                    match before {
                        Some(before) => return Poll::Ready(Some(Ok(before))),
                        None => continue,
                    }
                }
            }
            if !self.held.set(checks.held() + self.kept.as_ref().map_or(0, Bytes::len) as u64) {
                return Poll::Ready(Some(Err(no_room())));
            }
            match std::task::ready!(self.coming.poll_piece(cx)) {
                Some(piece) => self.input = piece?,
                None => {
                    if let Some(checks) = self.checks.take() {
                        checks.end()?;
                    }
                    self.held.set(0);
                }
            }
        }
        Poll::Ready(self.kept.take().map(Ok))
    }
}

impl Body for Checked {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let polled = std::task::ready!(self.poll_next(cx));
        Poll::Ready(match polled {
            None => None,
            Some(Ok(piece)) => {
                if let Some(left) = &mut self.left {
                    *left = left.saturating_sub(piece.len() as u64);
                }
                Some(Ok(Frame::data(piece)))
            }
            Some(Err(fault)) => {
                (self.checks, self.kept) = (None, None);
                self.held.set(0);
                Some(Err(self.coming.refuse(fault)))
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn too_large(bytes: u64) -> Fault {
    let number = |number: u64| Member::Text(number.to_string());
    Fault::new("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
        .with("ProposedSize", number(bytes))
        .with("MaxSizeAllowed", number(STREAMED_BODY_BYTES))
}

fn too_slow() -> Fault {
    let text = "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.";
    Fault::new("RequestTimeout", 400, text)
}

fn no_room() -> Fault {
    Fault::new("SlowDown", 503, "Please reduce your request rate.")
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};
    use wire::Chunks;
    use wire::sigv4::checksum::{self, Algorithm, Sum};

    use super::*;
    use crate::reading::Budget;

    /// A body of these pieces, of which `None` is where the client goes away, with a checksum.
    fn upload(
        pieces: &[Option<&'static str>],
        checksum: &str,
        budget: u64,
    ) -> (Inlet, Watch, Chunks, Arc<Budget>) {
        let pieces: Vec<Result<Frame<Bytes>, Cut>> = pieces
            .iter()
            .map(|piece| piece.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))).ok_or(Cut))
            .collect();
        let raw = StreamBody::new(futures_util::stream::iter(pieces)).boxed_unsync();
        let (inlet, coming) = pair(raw, Clock::virtual_at(0), Duration::from_secs(1));
        let mut sum = Sum::new(Algorithm::Crc32);
        sum.update(checksum.as_bytes());
        let stated: checksum::Value = sum.finish();
        let (budget, watch) = (Budget::new(budget), coming.watch());
        let stream = coming.through(Checks::none().and_checksum(stated), budget.hold()).unwrap();
        (inlet, watch, stream.open(), budget)
    }

    /// Pieces, the text whose checksum is stated, the budget; what comes out, and the fault after it.
    type Case = (&'static [Option<&'static str>], &'static str, u64, &'static str, Option<&'static str>);

    async fn read(chunks: &mut Chunks) -> (String, Option<String>) {
        let mut text = String::new();
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Err(fault) => {
                    assert!(chunks.next().await.is_none(), "nothing follows a fault");
                    return (text, Some(fault.code.into_owned()));
                }
            }
        }
        (text, None)
    }

    #[tokio::test]
    async fn the_last_piece_comes_out_only_when_everything_is_right() {
        const ONE: Option<&str> = Some("one ");
        const TWO: Option<&str> = Some("two ");
        const THREE: Option<&str> = Some("three");
        let cases: [Case; 7] = [
            (&[], "", 9, "", None),
            (&[ONE, TWO, THREE], "one two three", 9, "one two three", None),
            (&[ONE, TWO, THREE], "one two thre", 9, "one two ", Some("BadDigest")),
            (&[ONE], "", 9, "", Some("BadDigest")),
            (&[ONE, TWO, None], "one two ", 9, "one ", Some("IncompleteBody")),
            (&[None], "", 9, "", Some("IncompleteBody")),
            (&[ONE, TWO, THREE], "one two three", 4, "one ", Some("SlowDown")),
        ];
        for (pieces, checksum, budget, out, code) in cases {
            let (inlet, watch, mut chunks, left) = upload(pieces, checksum, budget);
            assert_eq!(read(&mut chunks).await, (out.to_owned(), code.map(str::to_owned)), "{pieces:?}");
            assert_eq!(watch.fault().map(|fault| fault.code.into_owned()), code.map(str::to_owned));
            assert_eq!(left.left(), budget, "{pieces:?}");
            match (inlet.rest(), code) {
                (Rest::Nothing, None | Some("BadDigest"))
                | (Rest::Broken, Some("IncompleteBody"))
                | (Rest::Left { untouched: false, .. }, Some("SlowDown")) => {}
                _ => panic!("{pieces:?} left something else"),
            }
        }
    }

    #[tokio::test]
    async fn a_body_is_not_touched_before_it_is_read_and_breaks_off_with_its_connection() {
        let (inlet, watch, mut chunks, _) = upload(&[Some("one"), Some("two")], "onetwo", 9);
        assert_eq!(watch.received(), 0);
        drop(inlet);
        assert_eq!(read(&mut chunks).await, (String::new(), Some("IncompleteBody".to_owned())));
        let (inlet, _, chunks, _) = upload(&[Some("one"), Some("two")], "onetwo", 9);
        let Rest::Left { body, untouched: true } = inlet.rest() else { panic!("it was touched") };
        assert_eq!(body.collect().await.unwrap().to_bytes(), "onetwo");
        drop(chunks);
    }
}
