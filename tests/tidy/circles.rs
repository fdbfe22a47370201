//! No file names, through whatever others, what names the file: files can be read in an order.
//!
//! A file names the file in which a thing is defined: a `pub use` on the way is followed, and is itself no name. A parent
//! that only declares its modules and shows their items therefore names none of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::names::{Place, places};
use crate::source::File;

/// Circles that are older than this rule; no other file may come into one of them. A folder ends in `/`. A circle that is
/// mended is struck off.
pub(crate) const KNOWN: &[&[&str]] = &[&["src/render.rs", "src/render/json.rs", "src/render/query.rs"]];

/// A line for each circle that is not known, and for each that is known and not there.
pub(crate) fn circles(files: &[File], known: &[&[&str]]) -> Vec<String> {
    let names = names(files);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut met: BTreeSet<usize> = BTreeSet::new();
    let mut found = Vec::new();
    for file in names.keys() {
        let Some(circle) = way_back(file, &names).filter(|_| !told.contains(file.as_str())) else { continue };
        let among: Vec<&str> =
            names.keys().map(String::as_str).filter(|other| are_mutual(file, other, &names)).collect();
        match known.iter().position(|known| among.iter().all(|file| lists(known, file))) {
            Some(place) => {
                met.insert(place);
            }
            None => found.push(format!("{} (in a circle: {})", circle.join(" names "), among.join(", "))),
        }
        told.extend(among);
    }
    let mended = known.iter().enumerate().filter(|(place, _)| !met.contains(place));
    found.extend(mended.map(|(_, known)| format!("no circle of {} is left: strike it off", known.join(", "))));
    found
}

fn lists(known: &[&str], file: &str) -> bool {
    known.iter().any(|one| *one == file || one.ends_with('/') && file.starts_with(one))
}

type Names = BTreeMap<String, BTreeSet<String>>;

/// The files below `src/`, and the files that each of them names.
fn names(files: &[File]) -> Names {
    let own: Vec<&File> = files.iter().filter(|file| file.path.starts_with("src/") && file.is_rust()).collect();
    let paths: BTreeSet<&str> = own.iter().map(|file| file.path.as_str()).collect();
    let places: BTreeMap<&str, Vec<Place>> = own.iter().map(|file| (file.path.as_str(), places(file))).collect();
    let house = House { paths, places };
    let of = |file: &str| -> BTreeSet<String> {
        let named = house.places[file].iter().filter(|place| place.shown_as.is_none());
        let files = named.filter_map(|place| house.file_of(&place.words, 0));
        files.filter(|other| *other != file).map(str::to_owned).collect()
    };
    house.paths.iter().map(|file| ((*file).to_owned(), of(file))).collect()
}

/// The files, and what each of them names or shows.
struct House<'a> {
    paths: BTreeSet<&'a str>,
    places: BTreeMap<&'a str, Vec<Place>>,
}

impl<'a> House<'a> {
    /// The file in which a thing is defined. `depth` bounds how often a `pub use` is followed.
    fn file_of(&self, words: &[String], depth: usize) -> Option<&'a str> {
        let at = (0..=words.len()).rev().find_map(|count| Some((count, self.file_at(&words[..count])?)));
        let (count, file) = at?;
        let (Some(name), true) = (words.get(count), depth < 8) else { return Some(file) };
        let rest = &words[count + 1..];
        let shown = self.places[file].iter().filter(|place| place.shown_as.as_ref() == Some(name));
        let direct =
            shown.map(|place| [&place.words, rest].concat()).find(|words| words.len() > count || rest.is_empty());
        direct.map_or(Some(file), |words| self.file_of(&words, depth + 1))
    }

    /// The file that is this module.
    fn file_at(&self, words: &[String]) -> Option<&'a str> {
        let path = if words.is_empty() { "src/lib.rs".to_owned() } else { format!("src/{}.rs", words.join("/")) };
        let finding = path.replacen("src/diagnose/", "src/findings/", 1);
        self.paths.get(path.as_str()).or_else(|| self.paths.get(finding.as_str())).copied()
    }
}

/// The shortest way from a file back to itself.
fn way_back(file: &str, names: &Names) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![file.to_owned()]]);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in way.last().and_then(|last| names.get(last)).into_iter().flatten() {
            if next == file {
                return Some([way, vec![next.clone()]].concat());
            }
            if seen.insert(next.clone()) {
                ways.push_back([way.clone(), vec![next.clone()]].concat());
            }
        }
    }
    None
}

fn are_mutual(file: &str, other: &str, names: &Names) -> bool {
    file == other || reaches(file, other, names) && reaches(other, file, names)
}

fn reaches(from: &str, to: &str, names: &Names) -> bool {
    let mut open = vec![from];
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some(file) = open.pop() {
        for next in names.get(file).into_iter().flatten() {
            if next == to {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<File> {
        files.iter().map(|(path, text)| File::new(path, text)).collect()
    }

    fn found(all: &[(&str, &str)]) -> Vec<String> {
        circles(&files(all), &[])
    }

    #[test]
    fn files_that_name_each_other_are_a_circle() {
        let a = ("src/walk/a.rs", "use super::b::B;\npub struct A;");
        let b = ("src/walk/b.rs", "pub struct B;\nfn f() { crate::walk::c::g() }");
        let c = ("src/walk/c.rs", "use crate::walk::a::A;");
        assert_eq!(found(&[a, b]).len(), 0);
        let circle = found(&[a, b, c]);
        assert_eq!(circle.len(), 1);
        assert!(circle[0].contains("a.rs names src/walk/b.rs names src/walk/c.rs names src/walk/a.rs ("), "{circle:?}");
    }

    #[test]
    fn a_known_circle_stays_until_it_is_mended() {
        let circle =
            files(&[("src/a.rs", "use crate::a::b::B;\nstruct A;"), ("src/a/b.rs", "use super::A;\nstruct B;")]);
        assert_eq!(circles(&circle, &[&["src/a.rs", "src/a/"]]).len(), 0);
        assert_eq!(circles(&circle, &[&["src/a.rs", "src/c.rs"]]).len(), 2);
        assert_eq!(circles(&circle[..1], &[&["src/a.rs", "src/a/"]]).len(), 1);
    }

    #[test]
    fn a_parent_may_declare_and_show_what_names_the_parent() {
        let child = ("src/walk/way.rs", "use super::Walk;\npub struct Way;");
        assert_eq!(found(&[("src/walk.rs", "mod way;\npub use way::Way;\npub struct Walk;"), child]).len(), 0);
        assert_eq!(found(&[("src/walk.rs", "mod way;\npub struct Walk(way::Way);"), child]).len(), 1);
        assert_eq!(found(&[("src/walk.rs", "mod way;\nuse way::Way;\npub struct Walk(Way);"), child]).len(), 1);
    }

    #[test]
    fn a_thing_is_where_it_is_defined() {
        let front = ("src/walk.rs", "pub(crate) mod a;\npub(crate) mod b;\npub(crate) use b::{B, C as D};");
        let b = ("src/walk/b.rs", "use super::a::A;\npub struct B;\npub struct C;");
        assert_eq!(found(&[front, ("src/walk/a.rs", "use crate::walk::B;"), b]).len(), 1);
        assert_eq!(found(&[front, ("src/walk/a.rs", "fn f(x: super::D) {}"), b]).len(), 1);
        assert_eq!(found(&[front, ("src/walk/a.rs", "pub(in crate::walk::b) struct A;"), b]).len(), 0);
    }
}
