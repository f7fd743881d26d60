//! Secrets that the hub makes for itself at its first start and keeps in its data directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use thiserror::Error;

use crate::config::{AdminToken, MasterKey};

/// A secret, and whether it was made just now: then, and only then, a token is shown to the person who started
/// the hub.
#[derive(Debug, Clone)]
pub struct Kept<T> {
    /// The secret.
    pub secret: T,
    /// Where it is kept.
    pub path: PathBuf,
    /// Whether this call made it.
    pub is_new: bool,
}

/// A secret could neither be read nor made. The texts hold paths, never contents.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file or its directory cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} does not hold {expected}: restore it, or remove it to have a new one made", path.display())]
    Content {
        /// Which one.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

/// The administrator's token of `DATA_DIR/admin-token`, made if there is none.
pub fn admin_token(data_dir: &Path) -> Result<Kept<AdminToken>, SecretError> {
    let parse = |text: &str| AdminToken::parse(text).filter(|token| !token.is_weak());
    load_or_make(data_dir, "admin-token", "a token of 16 characters or more", parse, |bytes| {
        URL_SAFE_NO_PAD.encode(bytes)
    })
}

/// The sealing key of `DATA_DIR/master.key`, made if there is none. Whoever loses it loses the provider
/// credentials in the database.
pub fn master_key(data_dir: &Path) -> Result<Kept<MasterKey>, SecretError> {
    let expected = "32 bytes as base64 or hex";
    load_or_make(data_dir, "master.key", expected, MasterKey::parse, |bytes| STANDARD.encode(bytes))
}

fn load_or_make<T>(
    data_dir: &Path,
    name: &str,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
    write: impl Fn(&[u8]) -> String,
) -> Result<Kept<T>, SecretError> {
    let path = data_dir.join(name);
    let (text, is_new) = match read(&path) {
        Ok(text) => (text, false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(SecretError::Random)?;
            make(data_dir, &path, &write(&bytes))
                .map_err(|source| SecretError::File { path: path.clone(), source })?
        }
        Err(source) => return Err(SecretError::File { path, source }),
    };
    match parse(text.trim()) {
        Some(secret) => Ok(Kept { secret, path, is_new }),
        None => Err(SecretError::Content { path, expected }),
    }
}

/// No secret of ours is nearly as long: what is longer is another file.
const LONGEST: u64 = 4096;

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a draft beside the place and links it there. A crash leaves no half secret, and of two instances that
/// start together one wins: the other takes the winner's.
fn make(data_dir: &Path, path: &Path, text: &str) -> io::Result<(String, bool)> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let draft = path.with_extension(format!("{:016x}.draft", getrandom::u64()?));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked = file
        .write_all(format!("{text}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path))
        .and_then(|()| File::open(data_dir)?.sync_all());
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok((text.to_owned(), true)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok((read(path)?, false)),
        Err(error) => Err(error),
    }
}
