use super::*;
use std::collections::HashSet;

#[test]
fn every_data_set_is_whole() {
    assert_eq!(DATA_SET_NAMES.iter().collect::<HashSet<_>>().len(), DATA_SETS.len(), "names differ");
    for spec in DATA_SETS {
        let name = spec.name;
        assert_eq!(DataSetSpec::find(name).unwrap().about, spec.about);
        assert_eq!(spec.mean.len(), spec.shape.map_or(0, |s| s[0]), "{name}");
        assert_eq!(spec.mean.len(), spec.std.len(), "{name}");
        assert!(spec.classes.is_empty() || spec.classes.len() == spec.class_count, "{name}");
        for file in spec.published_files() {
            assert!(file.size > 0 && is_sha256(file.sha256), "{name}: {}", file.name);
            assert!(!file.urls.is_empty());
            assert!(file.unpacked.is_empty() || is_sha256(file.unpacked));
        }
        match spec.format {
            DataFormat::Cifar { forms, checksums } => {
                assert_eq!(forms.len(), spec.forms.len(), "{name}");
                assert!(checksums.iter().all(|sum| is_sha256(sum)));
            }
            DataFormat::Embedded | DataFormat::ImageFolder => assert!(!spec.is_fetchable()),
            // Sets of this format are told apart by content alone. Nobody publishes the checksums of this one.
            DataFormat::Idx if name == "kmnist" => {}
            DataFormat::Idx => assert!(spec.published_files().all(|file| is_sha256(file.unpacked)), "{name}"),
            DataFormat::TinyImageNet => {}
        }
        if let Some(fallback) = spec.fallback {
            assert!(matches!(fallback.format, DataFormat::Embedded), "{name}");
        }
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest() {
    let error = DataSetSpec::find("cifar-10").unwrap_err().to_string();
    assert!(
        error.starts_with("there is no data set `cifar-10`; did you mean `cifar10`? Others: cifar100, "),
        "{error}"
    );
}

#[test]
fn the_page_of_data_sets_has_a_row_for_each() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/data.md");
    // A package of this crate alone is without the page.
    let Ok(page) = std::fs::read_to_string(page) else { return };
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let wanted = DATA_SETS.iter().map(|spec| {
        let counts = match spec.images {
            [0, 0] => "your own".to_owned(),
            [train, test] => format!("{train} + {test}"),
        };
        format!("| `{}` | {} | {counts} | {} |", spec.name, spec.about, spec.format.description())
    });
    assert_eq!(rows, wanted.collect::<Vec<_>>(), "docs/data.md");
}
