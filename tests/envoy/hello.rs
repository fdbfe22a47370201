//! A TLS `ClientHello`, for an Envoy that looks at it and passes it on. It offers `h2` and `http/1.1`, as curl does.

/// The record, with a server name or without.
pub(crate) fn client_hello(server_name: Option<&str>) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend(sized(&[0x13, 0x01, 0xc0, 0x2f]));
    body.extend([1, 0]);
    body.extend(sized(&extensions(server_name)));
    let mut handshake = vec![1, 0];
    handshake.extend(sized(&body));
    let mut record = vec![22, 3, 1];
    record.extend(sized(&handshake));
    record
}

fn extensions(server_name: Option<&str>) -> Vec<u8> {
    let supported_versions = [0, 43, 0, 5, 4, 3, 4, 3, 3];
    let supported_groups = [0, 10, 0, 4, 0, 2, 0, 29];
    let signature_algorithms = [0, 13, 0, 4, 0, 2, 4, 3];
    let protocols = [0, 16, 0, 14, 0, 12, 2, b'h', b'2', 8, b'h', b't', b't', b'p', b'/', b'1', b'.', b'1'];
    let mut all = Vec::new();
    if let Some(name) = server_name {
        let mut entry = vec![0];
        entry.extend(sized(name.as_bytes()));
        all.extend([0, 0]);
        all.extend(sized(&sized(&entry)));
    }
    all.extend(supported_versions);
    all.extend(supported_groups);
    all.extend(signature_algorithms);
    all.extend(protocols);
    all
}

/// With its length in two bytes in front.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short text");
    [&length.to_be_bytes(), bytes].concat()
}
