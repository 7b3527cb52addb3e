// SPDX-License-Identifier: Apache-2.0
//! fs_time DIR: Rust's standard library on files and time, told on standard output without what differs from host to host.
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn tell<T: std::fmt::Debug>(what: &str, result: io::Result<T>) -> Option<T> {
    match &result {
        Ok(value) => println!("{what}: {value:?}"),
        Err(error) => println!("{what}: {:?}", error.kind()),
    }
    result.ok()
}

fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let mark = if kind.is_dir() { "/" } else if kind.is_symlink() { "@" } else { "" };
        names.push(entry.file_name().into_string().unwrap_or_default() + mark);
    }
    names.sort();
    Ok(names)
}

fn files(root: &Path) -> io::Result<()> {
    let file = root.join("file.txt");
    fs::write(&file, "first line\nsecond line\n")?;
    tell("read", fs::read_to_string(&file));
    tell("create_new", OpenOptions::new().write(true).create_new(true).open(&file).map(|_| ()));
    OpenOptions::new().append(true).open(&file)?.write_all(b"third line\n")?;
    let mut opened = OpenOptions::new().read(true).write(true).open(&file)?;
    tell("seek", opened.seek(SeekFrom::End(-11)));
    let mut text = String::new();
    tell("rest", opened.read_to_string(&mut text).map(|_| text.clone()));
    tell("before the start", opened.seek(SeekFrom::Current(-1000)));
    opened.set_len(16)?;
    opened.rewind()?;
    let lines: Vec<_> = BufReader::new(&opened).lines().collect::<io::Result<_>>()?;
    println!("lines: {lines:?}");
    opened.sync_all()?;
    tell("length", opened.metadata().map(|m| (m.len(), m.is_file(), m.is_dir())));
    tell("copy", fs::copy(&file, root.join("copy.txt")));
    tell("hard_link", fs::hard_link(&file, root.join("hard.txt")));
    tell("rename", fs::rename(root.join("copy.txt"), root.join("renamed.txt")));
    tell("read absent", fs::read(root.join("absent")).map(|_| ()));
    tell("read directory", fs::read(root).map(|_| ()));
    tell("remove absent", fs::remove_file(root.join("absent")));
    tell("exists", root.join("hard.txt").try_exists());
    tell("exists not", root.join("absent").try_exists());
    tell("names", names(root));
    Ok(())
}

fn directories(root: &Path) -> io::Result<()> {
    let deep = root.join("a/b/c");
    tell("create_dir_all", fs::create_dir_all(&deep));
    tell("create_dir again", fs::create_dir(&deep));
    tell("create_dir in nothing", fs::create_dir(root.join("x/y")));
    fs::write(deep.join("leaf"), b"leaf")?;
    println!("remove_dir with contents fails: {}", fs::remove_dir(root.join("a")).is_err());
    tell("rename tree", fs::rename(root.join("a"), root.join("z")));
    tell("leaf", fs::read_to_string(root.join("z/b/c/leaf")));
    tell("leaf by dots", fs::read_to_string(root.join("z/b/../b/./c/leaf")));
    tell("leaf outside", fs::read_to_string(root.join("../../../../outside")).map(|_| ()).map_err(|_| io::ErrorKind::Other.into()));
    for number in 0..300 {
        fs::write(deep_name(root, number), number.to_string())?;
    }
    tell("many", names(&root.join("z/b")).map(|names| (names.len(), names[7].clone())));
    tell("remove_dir_all", fs::remove_dir_all(root.join("z")));
    tell("names", names(root));
    Ok(())
}

fn deep_name(root: &Path, number: u32) -> std::path::PathBuf {
    root.join("z/b").join(format!("a somewhat long name of a file, number {number:04}"))
}

fn links(root: &Path) -> io::Result<()> {
    // The caller made this one: there is no stable way to make a link everywhere.
    let link = root.join("link");
    tell("read_link", fs::read_link(&link));
    tell("symlink_metadata", fs::symlink_metadata(&link).map(|m| m.file_type().is_symlink()));
    tell("metadata", fs::metadata(&link).map(|m| (m.file_type().is_symlink(), m.len())));
    tell("through it", fs::read_to_string(&link));
    tell("remove it", fs::remove_file(&link));
    tell("what it named", fs::read_to_string(root.join("file.txt")).map(|text| text.len()));
    Ok(())
}

fn times(root: &Path) -> io::Result<()> {
    let file = File::options().write(true).open(root.join("file.txt"))?;
    let modified = UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789);
    let accessed = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    tell("set_times", file.set_times(FileTimes::new().set_modified(modified).set_accessed(accessed)));
    let metadata = fs::metadata(root.join("file.txt"))?;
    tell("modified", metadata.modified().map(|time| time.duration_since(UNIX_EPOCH).ok()));
    tell("accessed", metadata.accessed().map(|time| time.duration_since(UNIX_EPOCH).ok()));
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(15));
    println!("slept: {}", start.elapsed() >= Duration::from_millis(15));
    let now = SystemTime::now();
    file.set_modified(now)?;
    let stored = fs::metadata(root.join("file.txt"))?.modified()?;
    println!("kept: {}", stored == now);
    println!("after 2020: {}", now.duration_since(UNIX_EPOCH).is_ok_and(|age| age.as_secs() > 1_577_836_800));
    Ok(())
}

fn main() -> io::Result<()> {
    let directory = std::env::args().nth(1).expect("usage: fs_time DIR");
    let root = Path::new(&directory);
    files(root)?;
    directories(root)?;
    links(root)?;
    times(root)
}
