//! A port that its Service calls HTTP: of other bytes on it a proxy knows no host.

use serde_json::json;

use super::{Case, named, port_entry, protocol_field, ref_of, replace};
use crate::mesh::istio::{declared_protocol, is_http};
use crate::snapshot::{Kind, Node};
use crate::verdict::{Fix, ObjectRef};

/// B's Service calls the port that is asked for HTTP.
pub(crate) struct CalledHttp {
    /// The word that it has for it.
    pub(crate) declared: String,
    /// The Service, with the field that says so.
    pub(crate) object: ObjectRef,
    /// The field.
    pub(crate) at: Node,
}

impl CalledHttp {
    pub(crate) fn of(case: &Case) -> Option<Self> {
        let service = case.asked_service()?;
        let entry = port_entry(service, case.request().port)?;
        let declared = declared_protocol(&entry).filter(|protocol| is_http(protocol))?;
        let at = protocol_field(&entry)?;
        Some(Self { declared, object: ref_of(Kind::Service, service, &at.place()), at })
    }

    /// The port should be called TCP; `clients` says for whom.
    pub(crate) fn as_tcp(&self, clients: &str) -> Fix {
        let text = format!("{}, {}: \"tcp\", {clients}", named(&self.object), self.object.field);
        replace(&self.object, Some(&self.at), Some(json!("tcp")), text)
    }
}
