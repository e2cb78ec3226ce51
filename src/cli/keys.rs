//! `surfit keys`: what each key of the screen does.

use super::fault::Fault;
use super::out;
use std::io::Write;
use surfit_tui::keymap::{KeyRow, Keymap, key_rows};

/// Lists the keys as they are with the user's changes.
pub fn keys() -> Result<(), Fault> {
    let (map, problems) = Keymap::load();
    for problem in problems {
        let _ = writeln!(std::io::stderr(), "surfit: {problem}");
    }
    out::bytes(table(&key_rows(&map)).as_bytes())?;
    match Keymap::user_file() {
        Some(path) => out::line(format!(
            "\nChange them in {}, such as: pause = \"ctrl-p\"",
            path.display()
        )),
        None => Ok(()),
    }
}

fn table(rows: &[KeyRow]) -> String {
    let keys = |row: &KeyRow| row.keys.join(" ");
    let width = |f: &dyn Fn(&KeyRow) -> usize| rows.iter().map(f).max().unwrap_or(0);
    let wide = width(&|r| keys(r).chars().count());
    let named = width(&|r| r.action.len());
    let (mut text, mut group) = (String::new(), "");
    for row in rows {
        if row.group != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            text += &format!("{gap}{}\n", row.group);
            group = row.group;
        }
        text += format!(
            "  {:<wide$}  {:<named$}  {}",
            keys(row),
            row.action,
            row.help
        )
        .trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_line_under_its_heading() {
        let rows = key_rows(&Keymap::default());
        let text = table(&rows);
        for row in &rows {
            assert!(
                text.contains(row.help) && text.contains(row.group),
                "{}",
                row.action
            );
        }
        assert!(rows.len() > 10);
    }
}
