//! A pod, and its proxy: which it is, how its door is opened, and what is said first.

use std::sync::Arc;

use serde_json::Value;

use super::admin::{Admin, Way};
use super::cluster::Cluster;
use super::error::CollectError;
use super::forward::PodEndpoint;
use super::log::Log;
use super::outlook::Door;
use super::reply::Failure;
use super::shared::Shared;
use super::{objects, sidecar};
use crate::snapshot::{Answer, Kind, Need, PodRecord};

/// How many streams a proxy's WebSocket has where the API server is far: so much is asked of it at once, and what is likely
/// with it.
const STREAMS: u8 = 12;
/// The same where it is near: a stream costs the kubelet more than a wait.
const NEAR: u8 = 3;

/// A pod, and its proxy that was greeted, where it has one.
pub(super) struct Met {
    pub(super) pod: Value,
    pub(super) record: PodRecord,
    pub(super) admin: Option<(Arc<Admin>, Answer)>,
}

/// A pod, and its proxy whose door is open, where it has one.
pub(super) struct Approached {
    pub(super) pod: Value,
    pub(super) record: PodRecord,
    pub(super) admin: Option<Arc<Admin>>,
}

/// Where a pod's proxy is.
#[derive(Clone)]
pub(super) struct Finder {
    pub(super) cluster: Cluster,
    /// The port of the admin endpoint, where it was said.
    pub(super) admin_port: Option<u16>,
    pub(super) log: Log,
    /// Where others ask the same proxies.
    pub(super) shared: Option<Arc<Shared>>,
}

impl Finder {
    /// What a pod is called, and its proxy.
    pub(super) fn look(&self, pod: &Value) -> Result<(PodRecord, Option<Arc<Admin>>), CollectError> {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text("namespace"), text("name"));
        if ![&namespace, &name].iter().all(|text| objects::is_name(text)) {
            let cause = format!("`{namespace}/{name}` is not a pod's name");
            return Err(CollectError::Api { what: "the pod".to_owned(), cause, hint: None });
        }
        let sidecar = sidecar::find(pod);
        let record = PodRecord {
            kind: Kind::Pod.name().to_owned(),
            namespace: namespace.clone(),
            name: name.clone(),
            proxy: sidecar.as_ref().map(|sidecar| sidecar.container.clone()),
            without_proxy: sidecar.is_none(),
        };
        let admin = sidecar.map(|sidecar| {
            let port = self.admin_port.unwrap_or(sidecar.admin_port);
            let count = if self.cluster.is_far() { STREAMS } else { NEAR };
            let make = || {
                let endpoint = PodEndpoint::new(self.cluster.clone(), (&namespace, &name), port, count);
                let whom = format!("the proxy of pod {namespace}/{name}");
                Admin::new(Way::Pod(Box::new(endpoint)), whom, self.log.clone())
            };
            match &self.shared {
                Some(shared) => shared.proxy((namespace.clone(), name.clone()), make),
                None => Arc::new(make()),
            }
        });
        Ok((record, admin))
    }

    /// Opens the door of a pod's proxy ahead, where it has one.
    pub(super) fn door(&self, pod: &Value) -> Option<Door> {
        let admin = self.look(pod).ok()?.1?;
        let own = Arc::clone(&admin);
        Some(Door { admin, opened: tokio::spawn(async move { own.connect().await }) })
    }

    /// Opens the door of a pod's proxy, unless it is open.
    pub(super) async fn approach(&self, pod: Value, door: Option<Door>) -> Result<Approached, CollectError> {
        let (record, own) = self.look(&pod)?;
        let Some(own) = own else { return Ok(Approached { pod, record, admin: None }) };
        if let Some(Door { admin, opened }) = door
            && matches!(opened.await, Ok(Ok(())))
        {
            return Ok(Approached { pod, record, admin: Some(admin) });
        }
        own.connect().await.map_err(|failure| unread(own.whom(), failure))?;
        Ok(Approached { pod, record, admin: Some(own) })
    }

    /// A pod, asked for by its name.
    pub(super) async fn pod(&self, namespace: &str, name: &str) -> Result<Value, CollectError> {
        let failed = |cause: String| {
            let what = format!("pod {namespace}/{name}");
            CollectError::Api { what, cause, hint: None }
        };
        let need = Need::Object(Kind::Pod, namespace.to_owned(), name.to_owned());
        match objects::answer(&self.cluster, &need).await.map_err(failed)? {
            Answer::Object(pod) => Ok(pod),
            Answer::Body(_) | Answer::Objects(_) | Answer::Nothing => Err(failed("there is no such pod".to_owned())),
        }
    }
}

impl Approached {
    /// Greets the proxy, and asks it beside what it is likely to be asked.
    pub(super) async fn greeted(self, likely: &[Need]) -> Result<Met, CollectError> {
        let Self { pod, record, admin } = self;
        let Some(admin) = admin else { return Ok(Met { pod, record, admin: None }) };
        // First in the line of those who wait for a stream.
        let (greeting, ()) = tokio::join!(greeted(&admin), async { admin.foresee(likely) });
        Ok(Met { pod, record, admin: Some((Arc::clone(&admin), greeting?)) })
    }
}

/// The first read of a proxy: it shows whether anything can be read.
pub(super) async fn greeted(admin: &Admin) -> Result<Answer, CollectError> {
    admin.greet().await.map_err(|failure| unread(admin.whom(), failure))
}

fn unread(whom: &str, failure: Failure) -> CollectError {
    CollectError::Admin { whom: whom.to_owned(), causes: failure.causes, hint: failure.hint }
}
