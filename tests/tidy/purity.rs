//! The core waits for nothing, reads nothing, prints nothing and never gives up.

use std::collections::BTreeSet;

use crate::names::{Named, named};
use crate::source::{File, Token, reads};

/// The layers that are pure, synchronous and total.
const CORE: &[&str] = &[
    "text",
    "envoy",
    "snapshot",
    "access_log",
    "mesh",
    "verdict",
    "walk",
    "diagnose",
    "findings",
    "explain",
    "render",
];

/// Parts of `std` that reach out of the program, or ask it for the time.
const OUTSIDE: &[&str] = &["env", "fs", "io", "os", "process", "thread", "time"];

/// What of `std::net` is a value; the rest are sockets.
const ADDRESSES: &[&str] =
    &["AddrParseError", "IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr", "SocketAddrV4", "SocketAddrV6"];

/// Macros that end the program.
const PANICS: &[&str] = &["assert", "assert_eq", "assert_ne", "panic", "todo", "unimplemented", "unreachable"];

/// Macros that print.
const PRINTS: &[&str] = &["dbg", "eprint", "eprintln", "print", "println"];

/// Methods that end the program where there is no value.
const UNWRAPS: &[&str] = &["expect", "expect_err", "unwrap", "unwrap_err", "unwrap_unchecked"];

/// Who may take hold of standard output and standard error. All that collect says passes the line that says what it waits for.
const PRINTERS: &[&str] = &["src/cli/", "src/cli.rs", "src/collect/progress.rs"];

fn is_core(file: &File) -> bool {
    let inner = file.path.strip_prefix("src/").unwrap_or_default();
    let layer = inner.trim_end_matches(".rs").split('/').next().unwrap_or_default();
    CORE.contains(&layer)
}

/// Heads of layers that do not hold themselves to the bans of clippy.toml. Findings are modules of diagnose.
pub(crate) fn unguarded(file: &File) -> Vec<String> {
    let layer = file.path.strip_prefix("src/").and_then(|name| name.strip_suffix(".rs")).unwrap_or_default();
    let denies = "#![deny(clippy::disallowed_methods, clippy::disallowed_types)]";
    let wrong = CORE.contains(&layer) && !file.text.lines().any(|line| line == denies);
    wrong.then(|| format!("{}: its head lacks `{denies}`", file.path)).into_iter().collect()
}

/// What the core names outside of itself.
pub(crate) fn reaching_out(file: &File, crates: &BTreeSet<String>) -> Vec<String> {
    if !is_core(file) {
        return Vec::new();
    }
    let reaches = |named: &&Named| {
        let part = |i: usize| named.rest.get(i).map_or("", String::as_str);
        named.root == "std" && (OUTSIDE.contains(&part(0)) || part(0) == "net" && !ADDRESSES.contains(&part(1)))
    };
    let line = |named: &Named| format!("{}:{}: the core has no {}", file.path, named.line, named.text());
    named(file, crates).iter().filter(reaches).map(line).collect()
}

/// Where the core waits.
pub(crate) fn waiting(file: &File) -> Vec<String> {
    at_each(file, is_core(file), "the core does not wait", |tokens, i| tokens[i].is("async") || tokens[i].is("await"))
}

/// Where the core gives up.
pub(crate) fn giving_up(file: &File) -> Vec<String> {
    at_each(file, is_core(file), "the core does not give up", |tokens, i| {
        let method = reads(tokens, i, &["."]) && tokens.get(i + 1).is_some_and(|t| is_one_of(t, UNWRAPS));
        let is_macro = is_one_of(&tokens[i], PANICS) && reads(tokens, i + 1, &["!"]);
        is_macro || method && reads(tokens, i + 2, &["("])
    })
}

/// Where anything but the command line prints.
pub(crate) fn printing(file: &File) -> Vec<String> {
    let is_source = file.path.starts_with("src/");
    let may = PRINTERS.iter().any(|place| file.path.starts_with(place));
    at_each(file, is_source, "only the command line prints", |tokens, i| {
        let is_macro = is_one_of(&tokens[i], PRINTS) && reads(tokens, i + 1, &["!"]);
        let stream = ["stdout", "stderr"].iter().any(|name| reads(tokens, i, &[name, "(", ")"]));
        let method = i > 0 && tokens[i - 1].is(".");
        is_macro || stream && !method && !may
    })
}

fn is_one_of(token: &Token, names: &[&str]) -> bool {
    names.iter().any(|name| token.is(name))
}

fn at_each(file: &File, applies: bool, says: &str, wrong: impl Fn(&[Token], usize) -> bool) -> Vec<String> {
    if !applies {
        return Vec::new();
    }
    let tokens = file.code();
    let found = (0..tokens.len()).filter(|i| wrong(&tokens, *i));
    found.map(|i| format!("{}: {says}", file.at(&tokens[i]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn core(text: &str) -> File {
        File::new("src/walk/http.rs", text)
    }

    #[test]
    fn the_core_reaches_nothing() {
        let count = |file: &File| reaching_out(file, &["std".to_owned()].into()).len();
        for text in [
            "use std::fs;",
            "use std::{fmt, time::Instant};",
            "fn f() { std::env::var(\"X\") }",
            "use std::net::TcpStream;",
            "use std::io::Read as _;",
            "use std::process::exit;",
        ] {
            assert_eq!(count(&core(text)), 1, "{text}");
            assert_eq!(count(&File::new("src/collect/disk.rs", text)), 0, "{text}");
        }
        assert_eq!(count(&core("use std::net::{IpAddr, SocketAddr};\nuse std::collections::BTreeMap;")), 0);
    }

    #[test]
    fn the_core_denies_what_is_banned() {
        let denies = "//! Head.\n\n#![deny(clippy::disallowed_methods, clippy::disallowed_types)]\n";
        assert_eq!(unguarded(&File::new("src/walk.rs", denies)).len(), 0);
        assert_eq!(unguarded(&File::new("src/walk.rs", "//! Head.")).len(), 1);
        assert_eq!(unguarded(&File::new("src/walk/http.rs", "//! Head.")).len(), 0);
        assert_eq!(unguarded(&File::new("src/collect.rs", "//! Head.")).len(), 0);
    }

    #[test]
    fn the_core_does_not_wait() {
        assert_eq!(waiting(&core("async fn f() { g().await }")).len(), 2);
        assert_eq!(waiting(&core("/// async\nfn f() -> &'static str { \"await\" }")).len(), 0);
        assert_eq!(waiting(&File::new("src/collect.rs", "async fn f() {}")).len(), 0);
    }

    #[test]
    fn the_core_does_not_give_up() {
        for text in [
            "fn f() { x.unwrap() }",
            "fn f() { x.expect(\"y\") }",
            "fn f() { panic!() }",
            "fn f() { unreachable!(\"x\") }",
            "fn f() { todo!() }",
            "fn f() { assert!(x) }",
        ] {
            assert_eq!(giving_up(&core(text)).len(), 1, "{text}");
        }
        let fine = "#[expect(x)]\nfn f() { x.unwrap_or_default() }\n#[cfg(test)]\nmod tests { fn t() { x.unwrap() } }";
        assert_eq!(giving_up(&core(fine)).len(), 0);
    }

    #[test]
    fn the_command_line_alone_prints() {
        for text in ["fn f() { println!() }", "fn f() { dbg!(x) }", "fn f() { io::stderr().lock() }"] {
            assert_eq!(printing(&core(text)).len(), 1, "{text}");
        }
        let log = "fn f() { io::stderr() }";
        assert_eq!(printing(&File::new("src/collect/progress.rs", log)).len(), 0);
        assert_eq!(printing(&File::new("src/cli/tell.rs", "fn f() { println!() }")).len(), 1);
        assert_eq!(printing(&File::new("src/collect/x.rs", "fn f() { command.stdout(x); c.stderr() }")).len(), 0);
    }
}
