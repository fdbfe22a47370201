//! Questions that several have at the same time: one of them asks, and all get what he gets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// Answers by their questions: none is asked for twice.
pub(super) struct Once<V> {
    cells: Mutex<HashMap<String, Arc<OnceCell<V>>>>,
}

impl<V: Clone> Once<V> {
    /// The answer, which `ask` brings where nobody has asked before.
    pub(super) async fn get(&self, question: &str, ask: impl Future<Output = V>) -> V {
        let cell = Arc::clone(locked(&self.cells).entry(question.to_owned()).or_default());
        cell.get_or_init(|| ask).await.clone()
    }
}

impl<V> Default for Once<V> {
    fn default() -> Self {
        Self { cells: Mutex::default() }
    }
}

/// Answers of after the moment at which one was wanted: who comes while a question is under way waits for the next.
pub(super) struct Fresh<V> {
    next: Mutex<HashMap<String, Arc<OnceCell<V>>>>,
    turn: tokio::sync::Mutex<()>,
}

impl<V: Clone> Fresh<V> {
    /// The answer to a question that is put from now on.
    pub(super) async fn get(&self, question: &str, ask: impl Future<Output = V>) -> V {
        let cell = Arc::clone(locked(&self.next).entry(question.to_owned()).or_default());
        let asked = async {
            let _turn = self.turn.lock().await;
            // Whoever comes later would get an answer of before.
            locked(&self.next).remove(question);
            ask.await
        };
        cell.get_or_init(|| asked).await.clone()
    }
}

impl<V> Default for Fresh<V> {
    fn default() -> Self {
        Self { next: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// How often it was asked, a moment after that.
    async fn ask(count: &AtomicUsize) -> usize {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
        number
    }

    #[tokio::test]
    async fn one_asks_for_all() {
        let (once, count) = (Once::default(), AtomicUsize::new(0));
        let (a, b) = tokio::join!(once.get("q", ask(&count)), once.get("q", ask(&count)));
        assert_eq!((a, b, once.get("q", ask(&count)).await), (1, 1, 1));
        assert_eq!(once.get("other", ask(&count)).await, 2);
    }

    #[tokio::test]
    async fn nobody_gets_an_answer_of_before() {
        let (fresh, count) = (Fresh::default(), AtomicUsize::new(0));
        let late = async {
            // The first question is under way now.
            tokio::task::yield_now().await;
            tokio::join!(fresh.get("q", ask(&count)), fresh.get("q", ask(&count)))
        };
        let (first, (b, c)) = tokio::join!(fresh.get("q", ask(&count)), late);
        assert_eq!((first, b, c), (1, 2, 2));
        assert_eq!(fresh.get("q", ask(&count)).await, 3);
    }
}
