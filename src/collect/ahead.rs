//! What is asked before anybody wants it.
//!
//! Such an answer is at hand where it is wanted, and nothing where it is not: no snapshot holds it. What could not be read
//! ahead was not asked: whoever wants it asks for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::snapshot::Answer;

/// The least that is waited for what was asked ahead, when others that were asked at the same time have their answers.
const GRACE: Duration = Duration::from_millis(10);

/// Answers that may be on their way, by their queries.
#[derive(Default)]
pub(super) struct Ahead {
    asked: Mutex<HashMap<String, Asked>>,
}

enum Asked {
    OnItsWay(JoinHandle<Result<Answer, String>>),
    Here(Answer),
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Self::OnItsWay(task) = self {
            task.abort();
        }
    }
}

impl Ahead {
    /// Asks; what is asked already is not asked again.
    pub(super) fn begin(&self, query: &str, answer: impl Future<Output = Result<Answer, String>> + Send + 'static) {
        self.asked().entry(query.to_owned()).or_insert_with(|| Asked::OnItsWay(tokio::spawn(answer)));
    }

    /// Whether the answer to this is here.
    pub(super) fn is_here(&self, query: &str) -> bool {
        match self.asked().get(query) {
            Some(Asked::OnItsWay(task)) => task.is_finished(),
            Some(Asked::Here(_)) => true,
            None => false,
        }
    }

    /// Whether this was asked.
    pub(super) fn has(&self, query: &str) -> bool {
        self.asked().contains_key(query)
    }

    /// What came of it, where it was asked and answered; it is not here any more.
    pub(super) async fn taken(&self, query: &str) -> Option<Answer> {
        let mut asked = self.asked().remove(query)?;
        match &mut asked {
            Asked::OnItsWay(task) => task.await.ok()?.ok(),
            Asked::Here(answer) => Some(answer.clone()),
        }
    }

    /// Waits for what was asked since `began`, where the others have their answers: half as long again. Returns what came
    /// of these queries.
    pub(super) async fn settled(&self, queries: &[String], began: Instant) -> Vec<(String, Answer)> {
        let until = tokio::time::Instant::now() + GRACE.max(began.elapsed() / 2);
        let mut came = Vec::new();
        for query in queries {
            let Some(mut asked) = self.asked().remove(query) else { continue };
            if let Asked::OnItsWay(task) = &mut asked {
                match tokio::time::timeout_at(until, task).await {
                    Ok(Ok(Ok(answer))) => {
                        came.push((query.clone(), answer.clone()));
                        asked = Asked::Here(answer);
                    }
                    Ok(Ok(Err(_)) | Err(_)) => continue,
                    Err(_) => {}
                }
            }
            self.asked().insert(query.clone(), asked);
        }
        came
    }

    /// Nothing is here any more, and nothing on its way.
    pub(super) fn forget(&self) {
        self.asked().clear();
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
