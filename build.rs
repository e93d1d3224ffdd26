//! Embeds the provider rows: every file of `src/providers/data` becomes an entry of one sorted table.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

#[expect(clippy::disallowed_methods, reason = "cargo tells build scripts through the environment")]
fn main() -> io::Result<()> {
    let folder = Path::new("src/providers/data");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let mut table = String::from("&[\n");
    for file in files {
        let path = fs::canonicalize(file.path())?;
        if path.extension().is_some_and(|extension| extension == "toml")
            && let Some(name) = path.file_stem()
        {
            let (name, path) = (name.to_string_lossy(), path.to_string_lossy());
            let _ = writeln!(table, "    ({name:?}, include_str!({path:?})),");
        }
    }
    table.push(']');
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("providers.rs"), table)
}
