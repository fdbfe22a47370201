//! Names that are Kubernetes' own, whatever the mesh.

/// `name.namespace.svc.…` as namespace and name.
pub fn service_of_host(host: &str) -> Option<(String, String)> {
    let mut labels = host.split('.');
    match (labels.next(), labels.next(), labels.next()) {
        (Some(name), Some(namespace), Some("svc")) if !name.is_empty() => Some((namespace.to_owned(), name.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_names_its_service() {
        let product = Some(("shop".to_owned(), "product-service".to_owned()));
        assert_eq!(service_of_host("product-service.shop.svc.cluster.local"), product);
        assert_eq!(service_of_host("api.example.com"), None);
    }
}
