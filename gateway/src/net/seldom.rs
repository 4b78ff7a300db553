//! Tells what a task is woken for all the time from what it is seldom woken for, so that the one does not cost
//! a look at the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// What a task looks at only when it was woken for it.
#[derive(Debug)]
pub(crate) struct Seldom {
    bell: Arc<Bell>,
    waker: Waker,
}

#[derive(Debug)]
struct Bell {
    rang: AtomicBool,
    task: AtomicWaker,
}

impl Seldom {
    pub(crate) fn new() -> Self {
        let bell = Arc::new(Bell { rang: true.into(), task: AtomicWaker::new() });
        Self { waker: Arc::clone(&bell).into(), bell }
    }

    /// Looks at it the first time, after it was ready, and when it woke the task.
    pub(crate) fn poll<T>(
        &self,
        context: &Context<'_>,
        look: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // Before it is looked: what came in between would wake nobody.
        self.bell.task.register(context.waker());
        if !self.bell.rang.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let found = look(&mut Context::from_waker(&self.waker));
        if found.is_ready() {
            self.bell.rang.store(true, Ordering::Release);
        }
        found
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;

    use tokio::sync::Notify;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn it_is_looked_at_when_it_wakes_the_task_and_not_when_something_else_does() {
        let (seldom, looks, often, rare) = (Seldom::new(), Cell::new(0), Notify::new(), Notify::new());
        let mut waiting = std::pin::pin!(rare.notified());
        let task = poll_fn(|context| {
            // Polled on its own account too.
            let _news = std::pin::pin!(often.notified()).poll(context);
            seldom.poll(context, |context| {
                looks.set(looks.get() + 1);
                waiting.as_mut().poll(context)
            })
        });
        let others = async {
            for _ in 0..10 {
                often.notify_one();
                yield_now().await;
            }
            assert_eq!(looks.get(), 1);
            rare.notify_one();
        };
        tokio::join!(task, others);
        assert_eq!(looks.get(), 2);
    }
}
