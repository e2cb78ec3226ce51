//! A small document that becomes Markdown or HTML.

use surfit_core::text::to_printable;

/// Most characters of a paragraph, a cell, or a line of a configuration.
const MAX_TEXT_CHARS: usize = 4000;

pub enum ReportSection {
    Heading(String),
    Text(String),
    /// A table: its header, and its rows.
    Table(Vec<&'static str>, Vec<Vec<String>>),
    /// A figure: its file's name without extension, its caption, and its SVG.
    Figure {
        name: String,
        caption: String,
        svg: String,
    },
    Verbatim(String),
}

pub struct Document {
    pub title: String,
    pub sections: Vec<ReportSection>,
}

impl Document {
    /// As Markdown, with its images as separate PNG files.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", escape_markdown(&self.title));
        let cell = |s: &str| escape_markdown(s).replace('|', "\\|");
        for part in &self.sections {
            out.push('\n');
            match part {
                ReportSection::Heading(text) => out += &format!("## {}\n", escape_markdown(text)),
                ReportSection::Text(text) => out += &format!("{}\n", escape_markdown(text)),
                ReportSection::Verbatim(text) => {
                    let text = printable_lines(text);
                    // A fence that nothing in the text can close.
                    let fence = "`".repeat(2 + longest_run_of_backticks(&text).max(1));
                    out += &format!("{fence}toml\n{}\n{fence}\n", text.trim_end());
                }
                ReportSection::Figure { name, caption, .. } => out += &format!("![{caption}]({name}.png)\n"),
                ReportSection::Table(head, rows) => {
                    out += &format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
                    for row in rows {
                        let cells: Vec<String> = row.iter().map(|c| cell(c)).collect();
                        out += &format!("| {} |\n", cells.join(" | "));
                    }
                }
            }
        }
        out
    }

    /// As one HTML file that needs no other: figures are inside.
    pub fn html(&self) -> String {
        let title = escape_html(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{HTML_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        for part in &self.sections {
            match part {
                ReportSection::Heading(text) => out += &format!("<h2>{}</h2>\n", escape_html(text)),
                ReportSection::Text(text) => out += &format!("<p>{}</p>\n", escape_html(text)),
                ReportSection::Verbatim(text) => {
                    out += &format!("<pre>{}</pre>\n", escape_tags(&printable_lines(text)));
                }
                ReportSection::Figure { caption, svg, .. } => {
                    let caption = escape_html(caption);
                    out += &format!("<figure>\n{svg}<figcaption>{caption}</figcaption>\n</figure>\n");
                }
                ReportSection::Table(head, rows) => push_html_table(&mut out, head, rows),
            }
        }
        out + "</main>\n</body>\n</html>\n"
    }
}

fn push_html_table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let row = |tag: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|c| format!("<{tag}>{}</{tag}>", escape_html(c))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    *out += "<table>\n";
    *out += &row("th", head.iter().map(|h| (*h).to_owned()).collect());
    for cells in rows {
        *out += &row("td", cells.clone());
    }
    *out += "</table>\n";
}

/// Text of one line for Markdown, in which no tag, no link and no picture begins.
fn escape_markdown(text: &str) -> String {
    let text = to_printable(text, MAX_TEXT_CHARS);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out += "&lt;",
            '[' | ']' | '`' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// Text of several lines, each for itself.
fn printable_lines(text: &str) -> String {
    let lines = text.lines().map(|line| to_printable(line, MAX_TEXT_CHARS));
    lines.collect::<Vec<_>>().join("\n")
}

fn longest_run_of_backticks(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

fn escape_html(text: &str) -> String {
    escape_tags(&to_printable(text, MAX_TEXT_CHARS))
}

fn escape_tags(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const HTML_STYLE: &str = "\
:root { color-scheme: light; }
body { margin: 0; background: #f6f7f9; color: #1d232b; font: 16px/1.55 'Noto Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif; }
main { max-width: 1000px; margin: 2rem auto; padding: 1rem 2.5rem 2.5rem; background: #fff; border-radius: 10px; box-shadow: 0 1px 4px #0002; }
h1 { font-size: 1.7rem; margin-bottom: .3rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #e6e9ed; padding-bottom: .25rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; color: #5b6570; font-weight: 600; font-size: .85rem; }
th, td { padding: .3rem 1.3rem .3rem 0; border-bottom: 1px solid #eef0f3; }
figure { margin: 1.2rem 0; }
figure svg { width: 100%; height: auto; }
figcaption { color: #5b6570; font-size: .9rem; }
pre { background: #f6f7f9; padding: 1rem; border-radius: 6px; overflow-x: auto; font-size: .85rem; }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_its_place() {
        let document = Document {
            title: "a <script>".into(),
            sections: vec![ReportSection::Table(vec!["k"], vec![vec!["x | y & z".into()]])],
        };
        assert!(document.markdown().contains("| x \\| y & z |"));
        let html = document.html();
        assert!(html.contains("<h1>a &lt;script&gt;</h1>") && html.contains("x | y &amp; z"));
    }
}
