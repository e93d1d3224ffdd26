//! Every rule of the families that count has a test named after it, or a line that says where it is left for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Families and how many rules each has.
const FAMILIES: &[(&str, usize)] =
    &[("gen", 37), ("oai", 19), ("oar", 20), ("az", 11), ("ant", 41), ("gem", 32), ("bed", 24), ("ami", 38)];

#[test]
fn every_rule_has_a_test_or_a_place_to_come() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    read(&root.join("src"), &mut text);
    read(&root.join("tests"), &mut text);
    let mut missing = BTreeMap::new();
    for (family, count) in FAMILIES {
        for number in 1..=*count {
            let id = format!("{family}_{number:02}_");
            let tested = text.contains(&format!("fn {id}")) || text.contains(&format!("def test_{id}"));
            let later = text.contains(&format!("\n- {}-{number:02}: ", family.to_uppercase()));
            if !tested && !later {
                missing.entry(*family).or_insert_with(Vec::new).push(number);
            }
        }
    }
    assert!(missing.is_empty(), "rules without a test and without a line in a RULES-LATER.md: {missing:?}");
}

fn read(folder: &Path, text: &mut String) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            read(&path, text);
        } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "py" || kind == "md")
            && let Ok(more) = fs::read_to_string(&path)
        {
            text.push('\n');
            text.push_str(&more);
        }
    }
}
