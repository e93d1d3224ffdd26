//! Every row by itself.

use std::collections::HashSet;

use ferrolite::providers;

#[test]
fn every_row_can_be_read_and_is_named_after_its_file() {
    let mut seen = HashSet::new();
    let mut wrong = Vec::new();
    for (name, row) in providers::embedded_rows() {
        match row {
            Err(error) => wrong.push(format!("{name}.toml: {error}")),
            Ok(row) => {
                if row.name != name {
                    wrong.push(format!("{name}.toml: its name is '{}'", row.name));
                }
                for name in row.aliases.iter().chain([&row.name]).filter(|name| !seen.insert((*name).clone()))
                {
                    wrong.push(format!("{name}: another row has this name"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The siblings of most hosts are other people's: anybody rents a bucket beside `dashscope.aliyuncs.com`.
#[test]
fn the_key_goes_to_siblings_of_dedicated_hosts_only() {
    let rows = providers::embedded_rows().filter_map(|(_, row)| row.ok());
    let regional: Vec<String> = rows.filter(|row| row.regional_hosts).map(|row| row.name).collect();
    assert_eq!(regional, ["black_forest_labs"]);
}
