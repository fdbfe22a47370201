//! The walk names no mesh: what one means by its names, ports and annotations, it asks the mesh's value.

use crate::source::File;

/// What a walk would know a mesh by, in lower case.
const WORDS: &[&str] = &["istio", "15001", "15006", "virtualoutbound", "virtualinbound"];

/// Where code of the walk has one of the words. Comments may.
pub(crate) fn named(file: &File) -> Vec<String> {
    if file.path != "src/walk.rs" && !file.path.starts_with("src/walk/") {
        return Vec::new();
    }
    let tokens = file.code();
    let found = tokens.iter().filter_map(|token| {
        let text = token.text.to_lowercase();
        // `15_001` is the same number.
        let plain = text.replace('_', "");
        let word = WORDS.iter().find(|word| text.contains(*word) || plain.contains(*word))?;
        Some(format!("{}: the walk names no mesh, and {word} is one's: src/mesh/ knows it", file.at(token)))
    });
    found.collect()
}

#[test]
fn the_walk_knows_no_mesh_by_name() {
    let count = |path: &str, text: &str| named(&File::new(path, text)).len();
    for text in [
        "use crate::mesh::istio::ClusterName;",
        "const PORT: u16 = 15_006;",
        "fn f() { is(\"traffic.sidecar.istio.io/x\") }",
        "fn f() { name == \"virtualOutbound\" }",
    ] {
        assert_eq!(count("src/walk/listen/listener.rs", text), 1, "{text}");
        assert_eq!(count("src/mesh/istio.rs", text), 0, "{text}");
    }
    assert_eq!(
        count("src/walk.rs", "/// Istio's.\nfn f() {} // 15001\n#[cfg(test)]\nmod tests { const A: u16 = 15001; }"),
        0
    );
}
