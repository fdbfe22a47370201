//! The path as routes see it, after the normalization that a connection manager asks for.

/// What a connection manager does to paths.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Normalization {
    /// `normalize_path`
    pub dots: bool,
    /// `merge_slashes`
    pub slashes: bool,
    /// Whether a dot segment is one in spite of its parameters: that depends on the release.
    pub parameters: bool,
}

/// The path (with its query) as it is matched; an error where it cannot be told, with the reason.
///
/// Chromium's canonicalization as observed on 1.40.0: `\` is `/`, escapes of unreserved characters are decoded,
/// dot segments are resolved. Other escapes stay as they are.
pub fn normalize(path: &str, how: Normalization) -> Result<String, String> {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    if let Some(odd) = path.chars().find(|c| !is_plain(*c)) {
        return Err(format!("the path holds `{odd}`"));
    }
    let mut path = path.to_owned();
    if how.dots {
        // The parameters go first, so neither escapes nor a backslash before the segment count.
        let bare = if how.parameters { without_parameters_of_dots(&path) } else { path };
        path = resolve_dots(&decode_unreserved(&bare.replace('\\', "/"))?);
    }
    if how.slashes && path.contains("//") {
        // Of a path that is nothing but slashes, the first and the last one stay.
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        path = format!("/{}{}", parts.join("/"), if path.ends_with('/') { "/" } else { "" });
    }
    Ok(query.map_or(path.clone(), |query| format!("{path}?{query}")))
}

/// The path with its escaped slashes, of both kinds, as slashes; the query stays (`PathUtil::unescapeSlashes`).
pub fn unescaped(path: &str) -> String {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let slashes = [("%2f", "/"), ("%2F", "/"), ("%5c", "\\"), ("%5C", "\\")];
    slashes.iter().fold(path.to_owned(), |path, (escape, slash)| path.replace(escape, slash)) + query
}

/// Characters that HTTP/1 lets through and canonicalization leaves alone, and those that it is known to change.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%\\".contains(c)
}

fn decode_unreserved(path: &str) -> Result<String, String> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(0) => return Err("the path holds `%00`".to_owned()),
            Some(c) if c.is_ascii_alphanumeric() || b"-._~".contains(&c) => {
                out.push(char::from(c));
                rest = &rest[at + 3..];
            }
            _ => {
                out.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// `/a/..;x/b` as `/a/../b`.
fn without_parameters_of_dots(path: &str) -> String {
    let of_dots = |part: &str| part.split_once(';').map(|(name, _)| name.to_owned()).filter(|n| n == "." || n == "..");
    let segments: Vec<String> = path.split('/').map(|part| of_dots(part).unwrap_or_else(|| part.to_owned())).collect();
    segments.join("/")
}

fn resolve_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        match *part {
            "." if last => segments.push(""),
            "." => {}
            ".." => {
                segments.pop();
                if last {
                    segments.push("");
                }
            }
            _ => segments.push(part),
        }
    }
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observed_on_a_real_envoy() {
        let dots = Normalization { dots: true, slashes: false, parameters: true };
        let slashes = Normalization { dots: false, slashes: true, parameters: true };
        for (path, normal, merged) in [
            ("/a/../b", "/b", "/a/../b"),
            ("/a/%2e%2e/b", "/b", "/a/%2e%2e/b"),
            ("/../b", "/b", "/../b"),
            ("/a\\..\\b", "/b", "/a\\..\\b"),
            ("/%62", "/b", "/%62"),
            ("/b%2fx", "/b%2fx", "/b%2fx"),
            ("//b", "//b", "/b"),
            ("//", "//", "//"),
            ("///", "///", "//"),
            ("//b//", "//b//", "/b/"),
            ("/a//b", "/a//b", "/a/b"),
            ("/a/..;x/b", "/b", "/a/..;x/b"),
            ("/a/%2e%2e;x/b", "/a/..;x/b", "/a/%2e%2e;x/b"),
            ("/a\\..;x/b", "/a/..;x/b", "/a\\..;x/b"),
            ("/%", "/%", "/%"),
            ("/%zz", "/%zz", "/%zz"),
            ("/a/.?q=/../x", "/a/?q=/../x", "/a/.?q=/../x"),
        ] {
            assert_eq!(normalize(path, dots).as_deref(), Ok(normal), "{path}");
            assert_eq!(normalize(path, slashes).as_deref(), Ok(merged), "{path}");
            assert_eq!(normalize(path, Normalization::default()).as_deref(), Ok(path), "{path}");
        }
        let older = Normalization { parameters: false, ..dots };
        assert_eq!(normalize("/a/..;x/b", older).as_deref(), Ok("/a/..;x/b"));
        assert!(normalize("/%00", dots).is_err());
        assert!(normalize("/a b", dots).is_err());
    }
}
