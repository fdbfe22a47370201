//! What a stranger's clone has no use for, and how words are spelled.

use crate::source::File;

/// The beginnings of paths on somebody's machine.
const HOMES: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/tm", "p/wt-"),
    concat!("..", "/shared"),
];

/// Hosts of package registries: their clients know them, and somebody's may be another.
const REGISTRIES: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("proxy.go", "lang.org"),
    concat!("registry.npm", "js.org"),
];

/// British spellings.
const BRITISH: &[&str] = &[
    concat!("colo", "ur"),
    concat!("behavio", "ur"),
    concat!("hono", "ur"),
    concat!("favo", "ur"),
    concat!("neighbo", "ur"),
    concat!("labe", "lled"),
    concat!("trave", "lled"),
    concat!("recogn", "ise"),
    concat!("normal", "ise"),
    concat!("serial", "ise"),
    concat!("initial", "ise"),
];

/// `.ci/run` is the one that knows where the shared folder is.
const CI: &str = ".ci/run";
/// Cargo's own; `deny.toml` says what may be in it.
const LOCK: &str = "Cargo.lock";

/// Lines that name a path of somebody's machine, or a registry's host.
pub(crate) fn foreign(file: &File) -> Vec<String> {
    let wrong = |line: &str| {
        let home = file.path != CI && HOMES.iter().any(|home| starts_a_path(line, home));
        home || file.path != LOCK && REGISTRIES.iter().any(|host| line.contains(host))
    };
    lines(file, "it names a place that others do not have", wrong)
}

/// Lines with a British spelling. What was captured from elsewhere is as it was.
pub(crate) fn british(file: &File) -> Vec<String> {
    let data = [".json", ".txt", ".lock"].iter().any(|ending| file.path.ends_with(ending));
    lines(file, "American spelling", |line| {
        let line = line.to_lowercase();
        !data && BRITISH.iter().any(|word| line.contains(word))
    })
}

/// Whether `start` is where a path begins, rather than in the middle of one.
fn starts_a_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-}/~*".contains(c))
    })
}

fn lines(file: &File, says: &str, wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let numbered = file.text.lines().enumerate().filter(|(_, line)| wrong(line));
    numbered.map(|(i, _)| format!("{}:{}: {says}", file.path, i + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_one_machine_are_found() {
        let count = |path: &str, text: &str| foreign(&File::new(path, text)).len();
        for start in HOMES {
            assert_eq!(count("a.md", &format!("see `{start}x`")), 1, "{start}");
            assert_eq!(count("a.md", &format!("$HOME{start}x in etc/x{start}")), 0, "{start}");
            assert_eq!(count(CI, &format!("{start}x")), 0, "{start}");
        }
        for host in REGISTRIES {
            assert_eq!(count("a.toml", &format!("https://{host}/x")), 1, "{host}");
            assert_eq!(count(LOCK, host), 0, "{host}");
        }
    }

    #[test]
    fn spellings_are_american() {
        let count = |text: &str| british(&File::new("a.rs", text)).len();
        for word in BRITISH {
            assert_eq!(count(&format!("The {word}.")), 1, "{word}");
        }
        assert_eq!(count("color, behavior, exercise"), 0);
    }
}
