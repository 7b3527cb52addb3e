// SPDX-License-Identifier: Apache-2.0
// wordcount: counts words of the files named on the command line, or of standard input.
// Rust with its standard library, compiled by plain rustc for wasm32-wasip1.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::process::ExitCode;

fn read_input(path: Option<&str>) -> io::Result<String> {
    let mut bytes = Vec::new();
    match path {
        Some(path) => bytes = std::fs::read(path)?,
        None => {
            io::stdin().lock().read_to_end(&mut bytes)?;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn count(text: &str, words: &mut HashMap<String, u64>) {
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    for word in parts.filter(|word| !word.is_empty()) {
        *words.entry(word.to_lowercase()).or_insert(0) += 1;
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut inputs: Vec<Option<&str>> = arguments.iter().map(|path| Some(path.as_str())).collect();
    if inputs.is_empty() {
        inputs.push(None);
    }
    let mut words = HashMap::new();
    let mut failed = false;
    for input in inputs {
        match read_input(input) {
            Ok(text) => count(&text, &mut words),
            Err(error) => {
                eprintln!("wordcount: {}: {error}", input.unwrap_or("stdin"));
                failed = true;
            }
        }
    }
    let mut ordered: Vec<(String, u64)> = words.into_iter().collect();
    ordered.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let total: u64 = ordered.iter().map(|entry| entry.1).sum();
    let mut output = io::stdout().lock();
    let mut write = || -> io::Result<()> {
        for (word, times) in ordered.iter().take(12) {
            writeln!(output, "{times:6} {:6.3}% {word}", 100.0 * *times as f64 / total as f64)?;
        }
        writeln!(output, "{total:6} words, {} distinct", ordered.len())
    };
    if write().is_err() || failed {
        return ExitCode::from(1);
    }
    ExitCode::SUCCESS
}
