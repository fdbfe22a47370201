//! The picture of an answer in README: what `--demo` prints in a terminal, drawn.

use std::fmt::Write as _;
use std::fs;

use assert_cmd::Command;

use crate::common::is_update;
use crate::root;

/// The height of a line, and the width of ten characters: the font's size is 14, and its characters are 0.6 of that wide.
const HEIGHT: usize = 19;
const TEN_WIDE: usize = 84;
/// What is left free around the text, and above it for the window's buttons.
const MARGIN: usize = 22;
const TOP: usize = 46;

/// A piece of a line in one style.
#[derive(PartialEq, Eq, Debug)]
struct Piece {
    text: String,
    color: &'static str,
    bold: bool,
}

/// The pieces of a line, by the escapes that the program writes.
fn pieces(line: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let (mut color, mut bold) = ("#d4d4d8", false);
    for (i, part) in line.split("\u{1b}[").enumerate() {
        let (codes, text) = if i == 0 { ("", part) } else { part.split_once('m').unwrap() };
        for code in codes.split(';') {
            match code {
                "" => {}
                "0" => (color, bold) = ("#d4d4d8", false),
                "1" => bold = true,
                "2" => color = "#8b8b95",
                "31" => color = "#ff6b6b",
                "32" => color = "#7bd88f",
                "33" => color = "#f5c76b",
                "36" => color = "#67cfe3",
                _ => panic!("a style that the picture does not know: {code}"),
            }
        }
        if !text.is_empty() {
            found.push(Piece { text: text.to_owned(), color, bold });
        }
    }
    found
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The parts of a text between two blanks or more, with the columns where they begin: such blanks become one in a picture.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut column = 0;
    text.split("  ").filter_map(move |part| {
        let (at, blanks) = (column, part.chars().take_while(|c| *c == ' ').count());
        column += part.chars().count() + 2;
        (!part.trim().is_empty()).then(|| (at + blanks, part.trim()))
    })
}

/// One run of text, at a column of its line. It says how wide it is, so that it is that in any font.
fn drawn(text: &mut String, piece: &Piece, run: &str, column: usize, y: usize) {
    let (x, long) = (MARGIN * 10 + column * TEN_WIDE, run.chars().count() * TEN_WIDE);
    let bold = if piece.bold { " font-weight=\"bold\"" } else { "" };
    writeln!(
        text,
        "<text x=\"{}.{}\" y=\"{y}\" textLength=\"{}.{}\" fill=\"{}\"{bold}>{}</text>",
        x / 10,
        x % 10,
        long / 10,
        long % 10,
        piece.color,
        escaped(run)
    )
    .unwrap();
}

/// A screen as an SVG.
fn svg(command: &str, screen: &str) -> String {
    let lines: Vec<&str> = std::iter::once(command).chain(screen.lines()).collect();
    let plain = |line: &str| pieces(line).iter().map(|piece| piece.text.chars().count()).sum::<usize>();
    let columns = lines.iter().map(|line| plain(line)).max().unwrap_or_default();
    let (width, height) = (MARGIN * 2 + (columns * TEN_WIDE).div_ceil(10), TOP + MARGIN + lines.len() * HEIGHT);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"What kubectl mesh-why prints\">\n\
         <!-- What the demo prints; tests/pages writes it -->\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"#1b1b1f\"/>\n"
    );
    for (i, color) in ["#ff5f57", "#febc2e", "#28c840"].into_iter().enumerate() {
        writeln!(text, "<circle cx=\"{}\" cy=\"20\" r=\"6\" fill=\"{color}\"/>", MARGIN + 6 + i * 20).unwrap();
    }
    text += "<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, &quot;DejaVu Sans Mono&quot;, monospace\" \
             font-size=\"14\">\n";
    for (i, line) in lines.iter().enumerate() {
        let mut column = 0;
        for piece in pieces(line) {
            let runs = runs(&piece.text);
            runs.for_each(|(at, run)| drawn(&mut text, &piece, run, column + at, TOP + 14 + i * HEIGHT));
            column += piece.text.chars().count();
        }
    }
    text + "</g>\n</svg>\n"
}

#[test]
fn the_picture_is_what_the_demo_prints() {
    let file = root().join("docs/answer.svg");
    let mut program = Command::cargo_bin("kubectl-mesh_why").unwrap();
    let done = program.args(["--demo", "--color", "always"]).output().unwrap();
    let screen = String::from_utf8(done.stdout).unwrap();
    let drawn = svg("$ kubectl mesh-why order-service.shop product-service:8082", &screen);
    if is_update() {
        fs::write(&file, &drawn).unwrap();
    }
    let held = fs::read_to_string(&file).unwrap_or_default();
    assert!(held == drawn, "docs/answer.svg is behind: UPDATE_EXPECT=1 cargo test --test pages");
    // Somebody else's parser reads it, and every word of the screen is in it.
    let mut reader = quick_xml::Reader::from_str(&drawn);
    reader.config_mut().check_comments = true;
    while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
    for piece in screen.lines().flat_map(pieces) {
        assert!(runs(&piece.text).all(|(_, run)| drawn.contains(&escaped(run))), "{}", piece.text);
    }
}

#[test]
fn styles_are_told_apart() {
    let found = pieces("a \u{1b}[1;31mb\u{1b}[0m c");
    let of = |text: &str, color, bold| Piece { text: text.to_owned(), color, bold };
    assert_eq!(runs("  a b   c").collect::<Vec<_>>(), [(2, "a b"), (8, "c")]);
    assert_eq!(found, [of("a ", "#d4d4d8", false), of("b", "#ff6b6b", true), of(" c", "#d4d4d8", false)]);
}
