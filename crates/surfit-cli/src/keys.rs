//! `surfit keys`: lists the keys of the screen.

use super::args::KeysArgs;
use super::error::CliError;
use super::output;
use surfit_tui::{KeyRow, Keymap, key_rows};

/// Lists the keys, with the user's changes.
pub fn run_command(args: &KeysArgs) -> Result<(), CliError> {
    let (map, problems) = Keymap::load();
    for problem in problems {
        output::print_warning(problem);
    }
    let rows = key_rows(&map);
    if args.json {
        return rows.iter().try_for_each(|row| output::print_line(row_json(row).to_string()));
    }
    if args.markdown {
        return output::print_bytes(markdown_tables(&rows).as_bytes());
    }
    output::print_bytes(text_table(&rows).as_bytes())?;
    match Keymap::user_file() {
        Some(path) => {
            output::print_line("")?;
            output::print_line(format!("Change them in {}, for example: pause = \"f2\"", path.display()))
        }
        None => Ok(()),
    }
}

fn row_json(row: &KeyRow) -> serde_json::Value {
    serde_json::json!({
        "action": row.action, "keys": row.keys, "scope": row.scope, "group": row.group, "help": row.help,
    })
}

fn markdown_tables(rows: &[KeyRow]) -> String {
    let (mut text, mut group) = (String::new(), "");
    // A bar would end the cell, also between backticks.
    let cell = |key: &String| format!("`{}`", key.replace('|', "\\|"));
    for row in rows {
        if row.group != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            text += &format!("{gap}## {}\n\n", row.group);
            text += "| keys | where | action | does |\n| --- | --- | --- | --- |\n";
            group = row.group;
        }
        let keys: Vec<String> = row.keys.iter().map(cell).collect();
        let keys = keys.join(" or ");
        text += &format!("| {keys} | {} | `{}` | {} |\n", row.scope, row.action, row.help);
    }
    text
}

fn text_table(rows: &[KeyRow]) -> String {
    let keys = |row: &KeyRow| row.keys.join("  ");
    let width = |f: &dyn Fn(&KeyRow) -> usize| rows.iter().map(f).max().unwrap_or(0);
    let wide = width(&|r| keys(r).chars().count());
    let named = width(&|r| r.action.len());
    let placed = width(&|r| r.scope.len());
    let (mut text, mut group) = (String::new(), "");
    for row in rows {
        if row.group != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            text += &format!("{gap}{}\n", row.group);
            group = row.group;
        }
        text +=
            format!("  {:<wide$}  {:<placed$}  {:<named$}  {}", keys(row), row.scope, row.action, row.help).trim_end();
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
        let text = text_table(&rows);
        for row in &rows {
            assert!(text.contains(row.help) && text.contains(row.group), "{}", row.action);
        }
        assert!(rows.len() > 10);
    }

    #[test]
    fn the_page_of_keys_has_todays_keys() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keys.md");
        let page = std::fs::read_to_string(page).unwrap();
        let keys = markdown_tables(&key_rows(&Keymap::default()));
        assert!(page.ends_with(&keys), "docs/keys.md: put the output of `surfit keys --markdown` there");
    }

    #[test]
    fn markdown_and_json_tell_the_same() {
        let rows = key_rows(&Keymap::default());
        let text = markdown_tables(&rows);
        for row in &rows {
            let line = text.lines().find(|l| l.contains(&format!("| `{}` |", row.action)));
            let line = line.unwrap_or_else(|| panic!("{}", row.action));
            assert_eq!(line.replace("\\|", "").matches('|').count(), 5, "{line}");
            assert!(line.contains(row.help) && line.contains(row.scope), "{line}");
            assert_eq!(row_json(row)["keys"], serde_json::json!(row.keys));
        }
    }
}
