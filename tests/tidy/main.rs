//! The rules of the house that no compiler knows. Each of them has a test that shows it can fail.

mod circles;
mod findings;
mod layers;
mod manifest;
mod meshes;
mod names;
mod purity;
mod rooms;
mod shape;
mod source;
mod subjects;
mod words;

use std::collections::BTreeSet;

use source::File;

/// Holds every file to a rule.
fn hold(files: &[File], rule: impl Fn(&File) -> Vec<String>) {
    let broken: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// The same, of a rule that is younger than some of what breaks it: `known` has the file, and words of the line that says
/// so. What is mended is struck off.
fn hold_but(files: &[File], known: &[(&str, &str)], rule: impl Fn(&File) -> Vec<String>) {
    let all: Vec<String> = files.iter().flat_map(rule).collect();
    let is = |line: &str, (path, words): &(&str, &str)| line.starts_with(&format!("{path}:")) && line.contains(words);
    let new = all.iter().filter(|line| !known.iter().any(|one| is(line, one))).cloned();
    let mended = known.iter().filter(|one| !all.iter().any(|line| is(line, one)));
    let mended =
        mended.map(|(path, words)| format!("{path}: {words} is mended: strike it off the list of what is known"));
    let broken: Vec<String> = new.chain(mended).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn rust() -> Vec<File> {
    source::files().into_iter().filter(File::is_rust).collect()
}

fn text(path: &str) -> String {
    let all = source::files();
    let file = all.into_iter().find(|file| file.path == path);
    file.unwrap_or_else(|| panic!("there is no {path}")).text
}

/// The crates that code may name.
fn crates() -> BTreeSet<String> {
    let own = ["std", "core", "alloc"].map(str::to_owned);
    let declared = manifest::dependencies(&text("Cargo.toml"));
    own.into_iter().chain(declared.into_iter().map(|one| one.name)).collect()
}

#[test]
fn layers_name_only_what_lies_below_them() {
    let crates = crates();
    hold(&rust(), |file| layers::broken(file, &crates));
}

#[test]
fn rooms_of_the_walk_name_only_the_ground() {
    hold_but(&rust(), rooms::KNOWN, rooms::crossing);
}

#[test]
fn the_walk_names_no_mesh() {
    hold(&rust(), meshes::named);
}

#[test]
fn files_name_each_other_in_no_circle() {
    let broken = circles::circles(&rust(), circles::KNOWN);
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn the_core_has_no_clock_and_no_io() {
    let crates = crates();
    hold(&rust(), |file| purity::reaching_out(file, &crates));
}

#[test]
fn the_core_denies_what_is_banned() {
    hold(&rust(), purity::unguarded);
}

#[test]
fn the_core_does_not_wait() {
    hold(&rust(), purity::waiting);
}

#[test]
fn the_core_does_not_give_up() {
    hold(&rust(), purity::giving_up);
}

#[test]
fn the_command_line_alone_prints() {
    hold(&rust(), purity::printing);
}

#[test]
fn files_say_what_they_are_for() {
    hold(&rust(), shape::headless);
}

#[test]
fn files_are_short() {
    hold(&rust(), shape::long_file);
}

#[test]
fn functions_are_short() {
    hold_but(&rust(), shape::LONG, shape::long_functions);
}

#[test]
fn parameters_are_no_bools() {
    hold_but(&rust(), shape::BOOLS, shape::bool_parameters);
}

#[test]
fn lints_are_not_silenced() {
    hold(&rust(), shape::silenced);
}

#[test]
fn findings_are_complete() {
    let changelog = text("CHANGELOG.md");
    hold(&rust(), |file| findings::incomplete(file, &changelog));
}

#[test]
fn dependencies_have_a_reason() {
    hold(&[File::new("Cargo.toml", &text("Cargo.toml"))], |file| manifest::without_reason(&file.text));
}

#[test]
fn dependencies_have_a_use() {
    let broken = manifest::unused(&text("Cargo.toml"), &rust());
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn places_of_one_machine_are_not_named() {
    hold(&source::files(), words::foreign);
}

#[test]
fn spelling_is_american() {
    hold(&source::files(), words::british);
}

#[test]
fn subjects_of_commits_are_short() {
    let broken = subjects::long(&subjects::log());
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn what_is_known_is_struck_off_once_it_is_mended() {
    let file = [File::new("src/a.rs", "")];
    let rule = |file: &File| vec![format!("{}:1: `x` is wrong", file.path)];
    hold_but(&file, &[("src/a.rs", "`x`")], rule);
    let fails = |known: &[(&str, &str)]| std::panic::catch_unwind(|| hold_but(&file, known, rule)).is_err();
    assert!(fails(&[]));
    assert!(fails(&[("src/b.rs", "`x`")]));
    assert!(fails(&[("src/a.rs", "`x`"), ("src/a.rs", "`y`")]));
}
