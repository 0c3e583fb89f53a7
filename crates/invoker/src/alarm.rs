use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tasks::{Clock, Tick};

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A timer whose moment may move at every poll. Moving it later costs nothing: the old timer fires once in vain.
pub(crate) struct Alarm {
    clock: Clock,
    armed: Option<(Tick, Sleep)>,
}

impl Alarm {
    pub(crate) fn new(clock: Clock) -> Alarm {
        Alarm { clock, armed: None }
    }

    /// Ready once `at` has passed; never without a moment.
    pub(crate) fn poll(&mut self, at: Option<Tick>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = at else { return Poll::Pending };
        loop {
            if self.clock.tick() >= at {
                return Poll::Ready(());
            }
            match &mut self.armed {
                Some((fires, sleep)) if *fires <= at => {
                    if sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.armed = None;
                }
                _ => {
                    let clock = self.clock.clone();
                    self.armed = Some((at, Box::pin(async move { clock.sleep_until(at).await })));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_rings_at_the_moment_last_asked_for() {
        let clock = Clock::virtual_at(0);
        let mut alarm = Alarm::new(clock.clone());
        let ms = |ms: u64| Tick(ms * 1_000_000);
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll(Some(ms(50)), cx))).await.is_pending());
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll(Some(ms(80)), cx))).await.is_pending());
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll(None, cx))).await.is_pending());
        clock.advance(Duration::from_millis(60)).await;
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll(Some(ms(80)), cx))).await.is_pending());
        clock.advance(Duration::from_millis(20)).await;
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll(Some(ms(80)), cx))).await.is_ready());
    }
}
