//! An Envoy admin endpoint: which GET answers a need, and what its answer means.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{OnceCell, Semaphore};

use super::ahead::Ahead;
use super::endpoint::Endpoint;
use super::forward::PodEndpoint;
use super::log::{Log, Outcome};
use super::once::Once;
use super::query::encode;
use super::reply::{Failure, Reply};
use crate::snapshot::{Answer, Need, Origin};

/// How an admin endpoint is reached.
pub(super) enum Way {
    /// Through a port-forward to a pod.
    Pod(Box<PodEndpoint>),
    /// At a URL, on one connection.
    Url(Endpoint, Semaphore),
}

/// The admin endpoint of one proxy.
pub(super) struct Admin {
    way: Way,
    /// Whose it is, for people.
    whom: String,
    log: Log,
    form: Mutex<Form>,
    /// What was asked before anybody wanted it.
    ahead: Ahead,
    /// What was answered, where several walks ask.
    kept: Option<Kept>,
}

/// What is kept of a proxy that several walks ask.
#[derive(Default)]
struct Kept {
    opened: OnceCell<Result<(), Failure>>,
    replies: Mutex<Round>,
}

/// The form of a targeted `/config_dump` that this Envoy takes; it is learned from the first refusal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Form {
    /// `?mask=FIELDS&name_regex=`
    Mask,
    /// `?resource=FIELD&name_regex=`, once for each field
    Resource,
    /// All of it
    Whole,
}

/// What is read of one proxy in this round, by the path.
pub(super) type Round = Arc<Once<Result<Reply, Failure>>>;

impl Admin {
    pub(super) fn new(way: Way, whom: String, log: Log) -> Self {
        Self { way, whom, log, form: Mutex::new(Form::Mask), ahead: Ahead::default(), kept: None }
    }

    /// The same for several walks: nothing is asked twice, before all is forgotten.
    pub(super) fn for_all(self) -> Self {
        Self { kept: Some(Kept::default()), ..self }
    }

    /// Whose it is.
    pub(super) fn whom(&self) -> &str {
        &self.whom
    }

    /// Opens what the answers come through, where that is worth a read of its own.
    pub(super) async fn connect(&self) -> Result<(), Failure> {
        let Some(kept) = &self.kept else { return self.open().await };
        // Whoever opens a door ahead tries again where that failed; here somebody else may have.
        let twice = async {
            match self.open().await {
                Ok(()) => Ok(()),
                Err(_) => self.open().await,
            }
        };
        kept.opened.get_or_init(|| twice).await.clone()
    }

    async fn open(&self) -> Result<(), Failure> {
        match &self.way {
            Way::Pod(pod) => pod.connect().await,
            Way::Url(..) => Ok(()),
        }
    }

    /// Answers a need.
    pub(super) async fn answer(&self, need: &Need, round: &Round) -> Result<Answer, String> {
        match self.ahead.taken(&need.query()).await {
            Some(answer) => Ok(answer),
            None => self.asked(need, &self.kept_replies().unwrap_or_else(|| Arc::clone(round))).await,
        }
    }

    /// Answers a need, whatever is known.
    pub(super) async fn anew(&self, need: &Need) -> Result<Answer, String> {
        self.asked(need, &Round::default()).await
    }

    /// Asks for what is likely to be needed; nobody waits for it.
    pub(super) fn foresee(self: &Arc<Self>, needs: &[Need]) {
        let round = self.kept_replies().unwrap_or_default();
        for need in needs {
            let (admin, own, round) = (Arc::clone(self), need.clone(), round.clone());
            self.ahead.begin(&need.query(), async move { admin.asked(&own, &round).await });
        }
    }

    /// Whether this was asked for before anybody wanted it.
    pub(super) fn foresaw(&self, need: &Need) -> bool {
        self.ahead.has(&need.query())
    }

    /// Whether the answer to this is here.
    pub(super) fn has(&self, need: &Need) -> bool {
        self.ahead.is_here(&need.query())
    }

    /// For this walk, what was asked ahead is not of now any more.
    pub(super) fn forget(&self) {
        if self.kept.is_none() {
            self.ahead.forget();
        }
    }

    /// For nobody anything is of now any more.
    pub(super) fn forget_all(&self) {
        self.ahead.forget();
        if let Some(kept) = &self.kept {
            *kept.replies.lock().unwrap_or_else(PoisonError::into_inner) = Round::default();
        }
    }

    fn kept_replies(&self) -> Option<Round> {
        let kept = self.kept.as_ref()?;
        Some(Arc::clone(&kept.replies.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    async fn asked(&self, need: &Need, round: &Round) -> Result<Answer, String> {
        self.answer_one(need, round).await.map_err(|failure| failure.causes.join(": "))
    }

    /// The form that queries have as far as is known.
    fn form(&self) -> Form {
        *self.form.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No form before this one is taken.
    fn falls_back_to(&self, form: Form) {
        let mut known = self.form.lock().unwrap_or_else(PoisonError::into_inner);
        *known = form.max(*known);
    }

    /// The first read: it shows whether this is an admin endpoint at all. An Envoy that does not take the masked query
    /// says the same at length.
    pub(super) async fn greet(&self) -> Result<Answer, Failure> {
        let query = Need::Identity(Origin::Source(0)).query();
        let round = self.kept_replies().unwrap_or_default();
        for path in [query.as_str(), "/server_info"] {
            let reply = self.get(path, "the proxy's version", &round).await?;
            let says_who = serde_json::from_slice::<Value>(&reply.body)
                .is_ok_and(|v| v.get("version").is_some() || v.pointer("/configs/0/bootstrap/node").is_some());
            if reply.status == 200 && says_who {
                return Ok(Answer::Body(reply.body));
            }
        }
        Err(Failure::new("GET /server_info: the answer is not Envoy's".to_owned()))
    }

    async fn answer_one(&self, need: &Need, round: &Round) -> Result<Answer, Failure> {
        let query = need.query();
        let what = need.to_string();
        let Some(dump) = Dump::of(&query) else {
            let reply = self.get(&query, &what, round).await?;
            return match reply.status {
                200 => Ok(Answer::Body(reply.body)),
                _ if means_nothing(&reply) => Ok(Answer::Nothing),
                _ => Err(refusal(&query, &reply)),
            };
        };
        if self.form() == Form::Mask {
            let reply = self.get(&query, &what, round).await?;
            match reply.status {
                200 => return Ok(Answer::Body(reply.body)),
                _ if means_nothing(&reply) => return Ok(Answer::Nothing),
                _ => self.falls_back_to(Form::Resource),
            }
        }
        if self.form() == Form::Resource {
            if let Some(answer) = self.by_field(&dump, &what, round).await? {
                return Ok(answer);
            }
            self.falls_back_to(Form::Whole);
        }
        let query = if dump.eds { "/config_dump?include_eds" } else { "/config_dump" };
        let reply = self.get(query, "the whole configuration", round).await?;
        if reply.status == 200 { Ok(Answer::Body(reply.body)) } else { Err(refusal(query, &reply)) }
    }

    /// One GET for each field, put together as one answer to the mask would be; `None` where this form is refused too.
    async fn by_field(&self, dump: &Dump<'_>, what: &str, round: &Round) -> Result<Option<Answer>, Failure> {
        let mut section = serde_json::Map::new();
        for field in dump.fields.split(',') {
            let eds = if dump.eds { "include_eds&" } else { "" };
            let query = format!("/config_dump?{eds}resource={field}&name_regex={}", dump.name);
            let reply = self.get(&query, what, round).await?;
            if means_nothing(&reply) {
                continue;
            }
            let Some(elements) = (reply.status == 200).then(|| elements(&reply.body)).flatten() else {
                return Ok(None);
            };
            section.insert(field.to_owned(), json!(elements));
        }
        if section.is_empty() {
            return Ok(Some(Answer::Nothing));
        }
        Ok(Some(Answer::Body(json!({ "configs": [section] }).to_string().into_bytes())))
    }

    async fn get(&self, query: &str, what: &str, round: &Round) -> Result<Reply, Failure> {
        round.get(query, Box::pin(self.get_once(query, what))).await
    }

    async fn get_once(&self, query: &str, what: &str) -> Result<Reply, Failure> {
        let reading = self.log.reading(&self.whom, query, what);
        let got = match &self.way {
            Way::Pod(pod) => pod.get(&encode(query)).await,
            Way::Url(url, room) => {
                // The semaphore is never closed.
                let _held = room.acquire().await;
                url.get(&encode(query)).await
            }
        };
        let outcome = match &got {
            Ok(reply) if reply.status == 200 => Outcome::Bytes(reply.body.len()),
            Ok(reply) => Outcome::Status(reply.status),
            Err(failure) => Outcome::Failed(failure.causes.join(": ")),
        };
        reading.got(outcome);
        got
    }
}

/// A targeted query of the dump, taken apart.
struct Dump<'a> {
    fields: &'a str,
    name: &'a str,
    eds: bool,
}

impl<'a> Dump<'a> {
    fn of(query: &'a str) -> Option<Self> {
        let parameters = query.strip_prefix("/config_dump?")?;
        let (options, name) = parameters.split_once("&name_regex=")?;
        let (before, fields) = options.split_once("mask=").filter(|(before, _)| !before.contains("resource="))?;
        Some(Self { fields, name, eds: before.contains("include_eds") })
    }
}

/// Whether the answer says: read, and there is none.
fn means_nothing(reply: &Reply) -> bool {
    let says = |text: &str| String::from_utf8_lossy(&reply.body).contains(text);
    match reply.status {
        404 => says("not found in config dump"),
        400 => says("could not be successfully applied"),
        _ => false,
    }
}

fn refusal(query: &str, reply: &Reply) -> Failure {
    let text = String::from_utf8_lossy(&reply.body);
    let line = text.lines().next().unwrap_or_default().trim();
    let line = line.chars().take(200).collect::<String>();
    let colon = if line.is_empty() { "" } else { ": " };
    Failure::new(format!("GET {query} was answered {}{colon}{line}", reply.status))
}

/// The elements of an answer to `?resource=`.
fn elements(body: &[u8]) -> Option<Vec<Value>> {
    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(default)]
        configs: Vec<Value>,
    }
    serde_json::from_slice::<Body>(body).ok().map(|body| body.configs)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn targeted_queries_are_taken_apart() {
        let query = Need::Cluster(Origin::Source(0), "a|b".to_owned()).query();
        let dump = Dump::of(&query).unwrap();
        assert_eq!(dump.fields, "dynamic_active_clusters,static_clusters,dynamic_warming_clusters");
        assert_eq!((dump.name, dump.eds), ("^a\\|b$", false));
        let query = Need::Endpoints(Origin::Source(0), "x".to_owned()).query();
        assert!(Dump::of(&query).unwrap().eds);
        assert!(Dump::of("/clusters?format=json").is_none());
    }

    #[test]
    fn an_answer_of_none_is_no_error() {
        let reply = |status, body: &str| Reply { status, body: body.into() };
        assert!(means_nothing(&reply(404, "dynamic_listeners not found in config dump")));
        assert!(means_nothing(&reply(400, "FieldMask paths: \"x\"\n could not be successfully applied to ...")));
        assert!(!means_nothing(&reply(404, "invalid path. admin commands are:")));
        assert_eq!(refusal("/x", &reply(500, "")).causes, ["GET /x was answered 500"]);
    }
}
