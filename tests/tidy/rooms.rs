//! The rooms of the walk: which of them may name which, as the table of ARCHITECTURE.md has it.

use crate::names::places;
use crate::source::File;

/// A room: its file and its folder below `src/walk/`.
struct Room {
    name: &'static str,
    /// The rooms that it may name.
    may: &'static [&'static str],
}

/// No stage names another stage: what one hands to the next is a type of the ground, `way`.
const ROOMS: &[Room] = &[
    Room { name: "way", may: &[] },
    Room { name: "dial", may: &["way"] },
    Room { name: "listen", may: &["way"] },
    Room { name: "http", may: &["way"] },
    Room { name: "upstream", may: &["way"] },
    Room { name: "tls", may: &["way"] },
    Room { name: "beyond", may: &["way"] },
];

/// The driver, which strings the stages together and so names every room.
const DRIVER: &[&str] = &["src/walk.rs", "src/walk/behind.rs", "src/walk/follow.rs", "src/walk/kinds.rs"];

/// What is older than this rule: the file, and what it names.
pub(crate) const KNOWN: &[(&str, &str)] = &[];

/// What a file of a room names of the walk and may not.
pub(crate) fn crossing(file: &File) -> Vec<String> {
    let Some(inner) = file.path.strip_prefix("src/walk/").filter(|_| !DRIVER.contains(&file.path.as_str())) else {
        return Vec::new();
    };
    let name = inner.trim_end_matches(".rs").split('/').next().unwrap_or_default();
    let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
        return vec![format!("{}: there is no room {name} in the table of tests/tidy/rooms.rs", file.path)];
    };
    let forbidden = |words: &[String]| match words {
        [walk, other, ..] => walk == "walk" && other != room.name && !room.may.contains(&other.as_str()),
        [only] => only == "walk",
        [] => false,
    };
    let wrong = places(file).into_iter().filter(|place| forbidden(&place.words));
    wrong.map(|place| format!("{}:{}: {name} may not name {}", file.path, place.line, place.words.join("::"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        crossing(&File::new(path, text)).len()
    }

    #[test]
    fn a_stage_names_the_ground_and_no_other_stage() {
        assert_eq!(count("src/walk/http/route.rs", "use super::host;\nuse crate::walk::way::course::Told;"), 0);
        assert_eq!(count("src/walk/http/route.rs", "use super::super::listen::listener;"), 1);
        assert_eq!(count("src/walk/tls.rs", "use super::beyond::sent;"), 1);
        assert_eq!(count("src/walk/way/course.rs", "fn f() { crate::walk::dial::resolve::resolve() }"), 1);
        assert_eq!(count("src/walk/dial/resolve.rs", "use crate::walk::Walk;"), 1);
        assert_eq!(count("src/walk/dial/resolve.rs", "pub(in crate::walk) struct A;\nuse crate::envoy::pb;"), 0);
    }

    #[test]
    fn the_driver_names_every_room_and_a_new_room_is_put_into_the_table() {
        assert_eq!(count("src/walk.rs", "mod dial;\nuse dial::resolve;"), 0);
        assert_eq!(count("src/walk/follow.rs", "use super::tls::handshake;"), 0);
        assert_eq!(count("src/walk/attic/x.rs", ""), 1);
        assert_eq!(count("src/diagnose/case.rs", "use crate::walk::Walk;"), 0);
    }
}
