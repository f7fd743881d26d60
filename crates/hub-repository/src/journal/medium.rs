//! Where segments are written: files, or in tests something that fails on demand.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A segment open for writing.
pub(crate) trait Medium: Send + Sync {
    /// Writes all bytes at an offset; afterwards they survive the end of this process.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the segment off.
    fn cut(&self, length: u64) -> io::Result<()>;
    /// Makes what was written survive a power cut.
    fn sync(&self) -> io::Result<()>;
}

impl Medium for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Makes a new segment at a path where no file is.
pub(crate) type Create = dyn Fn(&Path) -> io::Result<Arc<dyn Medium>> + Send + Sync;

/// Makes segments as files.
pub(crate) fn create_file(path: &Path) -> io::Result<Arc<dyn Medium>> {
    Ok(Arc::new(OpenOptions::new().write(true).create_new(true).open(path)?))
}

/// The path of a segment.
pub(crate) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:020}.seg"))
}

/// The number of a segment, if the path is one's.
pub(crate) fn segment_number(path: &Path) -> Option<u64> {
    if path.extension()? != "seg" {
        return None;
    }
    let stem = path.file_stem()?.to_str()?;
    (stem.len() == 20).then(|| stem.parse().ok()).flatten()
}

/// Makes new, renamed and removed names in a directory survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
