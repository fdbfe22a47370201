//! What was made once, and is kept for whoever asks again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Values by what they were made from.
#[derive(Debug)]
pub(super) struct Memo<K, V>(Mutex<BTreeMap<K, Arc<V>>>);

impl<K: Ord, V> Memo<K, V> {
    /// The value of `key`, which `make` makes where there is none yet.
    pub(super) fn get<E>(&self, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        if let Some(made) = self.all().get(&key) {
            return Ok(Arc::clone(made));
        }
        // Not under the lock: what is made may ask for another.
        let made = Arc::new(make()?);
        Ok(Arc::clone(self.all().entry(key).or_insert(made)))
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<K, Arc<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Clone, V> Clone for Memo<K, V> {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.all().clone()))
    }
}
