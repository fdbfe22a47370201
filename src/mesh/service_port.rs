//! A port of a Service, as it was seen.

use crate::snapshot::Node;

/// A port of a Service.
pub struct ServicePort {
    /// The Service's namespace.
    pub namespace: String,
    /// The Service's name.
    pub name: String,
    /// The Service.
    pub service: Node,
    /// The port's entry.
    pub port: Node,
    /// Its number.
    pub number: u16,
}

impl ServicePort {
    /// The port of the pods, where the Service says its number.
    pub fn of_pods(&self) -> Option<u16> {
        match self.port.get("targetPort") {
            Some(port) => port.value().as_u64().and_then(|port| u16::try_from(port).ok()),
            None => Some(self.number),
        }
    }
}
